/** Range requests by RFC 9110, section 14. */

export type RangeAnswer =
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Part"; readonly start: number; readonly end: number }
  | { readonly _tag: "Unsatisfiable" }

const whole: RangeAnswer = { _tag: "Whole" }

/**
 * What to send of a file of so many bytes. A header that cannot be understood is ignored, as is one that asks for several
 * ranges, which a server may do (14.2); both bounds of the answer are inclusive.
 */
export const parseRange = (header: string | undefined, sizeBytes: number): RangeAnswer => {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "") ?? []
  if (first === "" && last === "") return whole
  if (first === "") {
    const suffix = Math.min(Number(last), sizeBytes)
    return suffix === 0 ? { _tag: "Unsatisfiable" } : { _tag: "Part", start: sizeBytes - suffix, end: sizeBytes - 1 }
  }
  const start = Number(first)
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (last !== "" && Number(last) < start) return whole
  return start >= sizeBytes ? { _tag: "Unsatisfiable" } : { _tag: "Part", start, end }
}
