/** What fields of a kind take at their limits, and refuse just beyond. */

/** Stands for a number that JSON can write and no double can hold. */
export const beyondDouble = "a number beyond double precision"

/** Made when it is sent, as a row that can be used once. */
export interface Made {
  readonly make: () => Promise<unknown>
}

export interface Taken {
  readonly value: unknown
  /** What the success shows of it, where that is not the value itself. */
  readonly shown?: unknown
}

/**
 * What refuses a value: "" is an InvalidInputError that names this very field, ".1" one that names what is under it,
 * "graphql" an error of GraphQL's own, and any other the type of a failure, or the code of a top-level error.
 */
export type Refusals = Readonly<Record<string, ReadonlyArray<unknown>>>

export interface FieldRule {
  readonly takes?: ReadonlyArray<Taken>
  readonly refuses?: Refusals
  /** What a message of "" says: a limit is of no use to who is not told it. */
  readonly says?: RegExp
  /** Failures of another cause that the values at the limit may come to. */
  readonly or?: ReadonlyArray<string>
  /** Where the success shows the value. */
  readonly shownAt?: string
  /** Null given is not as good as nothing given. */
  readonly noNull?: true
}

export const isMade = (given: unknown): given is Made => typeof given === "object" && given !== null && "make" in given

export const value = (given: unknown, ...shown: [] | [unknown]): Taken => shown.length === 0 ? { value: given } : { value: given, shown: shown[0] }
export const values = (...given: ReadonlyArray<unknown>): ReadonlyArray<Taken> => given.map((each) => ({ value: each }))

const brokenTexts = ["a\0b", "\0", "a\u0001", "two\nlines", "two\u2028lines", "a\u007f", "a\u0085b", "\ud800", "broken \udc00x"]
const blankTexts = ["", " ", "\t\n", "\u00a0\u3000\u2003"]
const noTexts = [5, true, {}, ["a", "b"]]

/** Characters are code points: neither UTF-16's units nor bytes, nor what is seen as one. */
export const text = (most: number, rule: FieldRule = {}): FieldRule => ({
  takes: [
    ...values("x", "x".repeat(most), "😀".repeat(most), "é".repeat(most), "e\u0301".repeat(most / 2), "👩‍🚀".repeat(Math.floor(most / 3)), "שלום עולם", "\u202eabc", "'; drop table track; --"),
    value(`  ${"x".repeat(most)}\t`, "x".repeat(most))
  ],
  refuses: {
    "": [...blankTexts, "x".repeat(most + 1), "😀".repeat(most + 1), "e\u0301".repeat(most / 2) + "e", "x".repeat(100_000), ...brokenTexts],
    graphql: noTexts
  },
  says: new RegExp(`1 to ${most} characters|control characters|broken`, "u"),
  ...rule
})

const many = (length: number, text = "") => Array.from({ length }, (_, n) => `${n}${text}`)

export const labels = (most: number, maxLength: number, rule: FieldRule = {}): FieldRule => ({
  takes: [...values([], ["a"], ["x".repeat(maxLength)], ["😀".repeat(maxLength)], many(most)), value([" a "], ["a"])],
  refuses: {
    "": [many(most + 1), Array.from({ length: 50_000 }).fill("")],
    ".0": [[""], [" "], ["x".repeat(maxLength + 1)], ...brokenTexts.map((broken) => [broken])],
    ".1": [["fine", ""]],
    graphql: [[null], [5], [["a"]], {}]
  },
  says: new RegExp(`most ${most} of`, "u"),
  ...rule
})

export const key = (rule: FieldRule = {}): FieldRule => text(200, { or: ["IdempotencyConflictError"], ...rule })

const noInts = [2_147_483_648, -2_147_483_649, 1.5, 1e308, beyondDouble, "1", true, [1, 2]]

export const int = (least: number, most: number, rule: FieldRule = {}): FieldRule => ({
  takes: values(least, most),
  refuses: { "": [least - 1, most + 1, 2_147_483_647, -2_147_483_648], graphql: noInts },
  says: new RegExp(`${least} to ${most}`, "u"),
  ...rule
})

export const float = (least: number, most: number, rule: FieldRule = {}): FieldRule => ({
  takes: values(least, most, (least + most) / 2),
  refuses: { "": [least - 1e-9, most + 1e-9, -1e308, 1e308, Number.MAX_SAFE_INTEGER], graphql: [beyondDouble, "1", "NaN", true, [1, 2]] },
  says: new RegExp(`${least} to ${most}`, "u"),
  ...rule
})

export const choice = (members: ReadonlyArray<string>, rule: FieldRule = {}): FieldRule => ({
  takes: values(...members),
  refuses: { graphql: ["", " ", "no such", (members[0] ?? "").toLowerCase(), `${members[0]} `, "__proto__", 1, true, {}] },
  ...rule
})

export const boolean: FieldRule = { takes: values(true, false), refuses: { graphql: ["true", "", 1, 0, {}, [true, false]] } }

export const input: FieldRule = { refuses: { graphql: [5, "x", true, { noSuchField: 1 }, [{}, {}]] } }

/** `make` makes one that there is; `others` are ids of what there is, of other types. */
export const id = (make: () => Promise<string>, others: () => ReadonlyArray<string>, absent: string, rule: FieldRule = {}): FieldRule => ({
  takes: [{ value: { make } satisfies Made }],
  refuses: {
    NotFoundError: [
      "", " ", "rubbish", "x".repeat(10_000), "\0", "\ud800", "😀", "__proto__", 5, -1, absent, Buffer.from("Track:").toString("base64url"),
      ...Array.from({ length: 3 }, (_, n) => ({ make: () => Promise.resolve(others()[n]) }) satisfies Made)
    ],
    graphql: [1.5, true, {}, ["a", "b"], beyondDouble]
  },
  ...rule
})

const long = (length: number, address: string, filler = "a") => address + filler.repeat(length - address.length)
const longestAddress = 2_048

export const address = (host: string, rule: FieldRule = {}): FieldRule => ({
  takes: values(`http://${host}/a`, `https://${host}/`, long(longestAddress, `https://${host}/`), long(longestAddress, `https://${host}/`, "😀"), `https://${host}/\u05e9?q=%00#f`),
  refuses: {
    "": [
      "", " ", "no address", "//example.org/a", "/etc/passwd", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "data:audio/wav;base64,AAAA", "http://", "https:///", "http://127.0.0.1:99999/",
      `https://${host}/\0`, `https://${host}/\ud800`, `https://${host}/a\nb`, `\thttps://${host}/`, long(longestAddress + 1, `https://${host}/`), long(longestAddress + 1, `https://${host}/`, "😀"), "x".repeat(100_000)
    ],
    SourceBlockedError: ["https://user:secret@example.org/", "https://user@example.org/", "http://10.0.0.1/", "http://169.254.169.254/", "http://[::1]/", "http://2130706434/", "http://example.org:25/"],
    graphql: [5, true, {}, ["a", "b"]]
  },
  says: /2048 characters|control characters|http:\/\/ or https:\/\//u,
  ...rule
})
