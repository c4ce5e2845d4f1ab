/** Times as PostgreSQL writes them where the session's zone is UTC, such as `2026-01-31 12:00:00.123456+00`. */

const shortest = "2026-01-31 12:00:00+00".length
const longest = "2026-01-31 12:00:00.123456+00".length

/**
 * A parser for `timestamptz`: three times as fast as the driver's, which `other` is and which reads every form. A page of
 * a list has hundreds of times.
 */
export const makeTimeParser = (other: (text: string) => Date) => (text: string): Date => {
  if (text.length < shortest || text.length > longest || text[4] !== "-" || !text.endsWith("+00")) return other(text)
  const digit = (at: number): number => text.charCodeAt(at) - 48
  const two = (at: number): number => digit(at) * 10 + digit(at + 1)
  // Trailing zeros are not written.
  const end = text.length - 3
  const millis = end <= 19 ? 0 : digit(20) * 100 + (end > 21 ? digit(21) * 10 : 0) + (end > 22 ? digit(22) : 0)
  const year = two(0) * 100 + two(2)
  // The first hundred years mean others to Date.UTC.
  return year < 100 ? other(text) : new Date(Date.UTC(year, two(5) - 1, two(8), two(11), two(14), two(17), millis))
}
