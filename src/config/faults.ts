import { Data } from "effect"
import { redactText, redactUrl } from "../domain/redaction.ts"
import type { Setting } from "./setting.ts"

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
  readonly name: string
  /** As it may be shown; undefined when the fault is not about a value. */
  readonly value: string | undefined
  /** What is wrong or what is allowed, to be read behind the name and the value. */
  readonly problem: string
}

const longestValue = 200

/** A setting's value as it may stand in a terminal. */
export const shownValue = ({ exposure }: Pick<Setting<unknown>, "exposure">, value: string): string => {
  if (exposure === "secret") return "<redacted>"
  const shown = exposure === "url" ? redactUrl(value) : redactText(value)
  return shown.length > longestValue ? `${shown.slice(0, longestValue)}…` : shown
}

/** All faults as one text, made to be printed as it is. */
export const reportConfigFaults = (faults: ReadonlyArray<ConfigFault>): string =>
  [
    `Playhead cannot start: ${faults.length === 1 ? "one setting is" : `${faults.length} settings are`} wrong.`,
    ...faults.map(({ name, problem, value }) => `  ${name}${value === undefined ? "" : `=${JSON.stringify(value)}`}: ${problem}`),
    "Settings come from the environment, then from .env in the working directory. The README lists them all."
  ].join("\n")

export class ConfigFaults extends Data.TaggedError("ConfigFaults")<{ readonly faults: ReadonlyArray<ConfigFault> }> {
  override get message(): string {
    return reportConfigFaults(this.faults)
  }
}
