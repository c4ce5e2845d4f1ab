/** How Playhead logs: JSON lines for machines, readable lines for a terminal; the same content, never a secret. */
import { Layer, Logger, type LogLevel, References } from "effect"
import { formatJson, formatPretty } from "./logging/format.ts"
import { logRecord } from "./logging/logRecord.ts"

export interface LoggingSettings {
  readonly format: "pretty" | "json"
  /** Entries below it are dropped before they are made. */
  readonly level: LogLevel.LogLevel
}

/** Replaces Effect's own loggers. Prints through Effect's Console, to standard output. */
export const layer = ({ format, level }: LoggingSettings): Layer.Layer<never> => {
  const print = format === "json" ? formatJson : formatPretty
  return Layer.merge(
    Logger.layer([Logger.withConsoleLog(Logger.make((options) => print(logRecord(options))))]),
    Layer.succeed(References.MinimumLogLevel, level)
  )
}
