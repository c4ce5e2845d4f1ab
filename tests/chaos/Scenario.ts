/** What a scenario measured, and what it must be. */
export interface Figure {
  readonly figure: string
  readonly value: string
  readonly bar: string
  readonly ok: boolean
}

export interface ScenarioOptions {
  /** The same seed makes the same choices; what the machine makes of them differs. */
  readonly seed: number
  /** Fewer jobs and fewer blows, for the suite. */
  readonly short?: boolean
}

export interface Scenario {
  readonly name: string
  readonly run: (options: ScenarioOptions) => Promise<ReadonlyArray<Figure>>
}

export const atMost = (figure: string, value: number, bar: number, unit = ""): Figure => ({ figure, value: `${value}${unit}`, bar: `≤ ${bar}${unit}`, ok: value <= bar })
export const atLeast = (figure: string, value: number, bar: number, unit = ""): Figure => ({ figure, value: `${value}${unit}`, bar: `≥ ${bar}${unit}`, ok: value >= bar })
export const none = (figure: string, found: ReadonlyArray<string>): Figure => ({
  figure,
  value: found.length === 0 ? "0" : `${found.length}: ${found.slice(0, 3).map((one) => one.slice(0, 160)).join("; ")}`,
  bar: "0",
  ok: found.length === 0
})

/** Mulberry32: a generator of numbers from 0 to 1 for a seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
