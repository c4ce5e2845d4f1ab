/** What the doctor found out about one thing. */
export interface Finding {
  readonly name: string
  /** `limited` works, with restrictions that the advice can lift; without what is `missing` nothing does; `off` is not set up, and need not be. */
  readonly state: "fit" | "limited" | "missing" | "off"
  /** Its version or what it is, in one line. */
  readonly found: string
  /** What to do. */
  readonly advice?: string | undefined
}

const marks = { fit: "ok", limited: "limited", missing: "MISSING", off: "-" } as const

/** Whether Playhead can work. */
export const isFit = (findings: ReadonlyArray<Finding>): boolean => findings.every(({ state }) => state !== "missing")

/** A line for each finding, with what to do below it, and one for the whole. */
export const report = (findings: ReadonlyArray<Finding>): string => {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const missing = findings.filter(({ state }) => state === "missing").length
  const limited = findings.filter(({ state }) => state === "limited").length
  return [
    ...findings.flatMap(({ advice, found, name, state }) => [
      `${marks[state].padEnd(8)}${name.padEnd(width + 2)}${found}`,
      ...(advice === undefined ? [] : advice.split("\n").map((line) => `${" ".repeat(8)}→ ${line}`))
    ]),
    "",
    missing > 0
      ? `Playhead cannot work: ${missing} of ${findings.length} things are missing.`
      : `Playhead can work${limited > 0 ? `, with ${limited} ${limited === 1 ? "restriction" : "restrictions"}` : ""}.`
  ].join("\n")
}
