import type { LogRecord } from "./logRecord.ts"
import type { ErrorShape } from "./errorShape.ts"

/** One line of JSON. Annotations stand at the top level, where log stores index them; they cannot replace a field of ours. */
export const formatJson = ({ annotations, error, interrupted, level, message, otherErrors, spanId, spans, data, time, traceId }: LogRecord): string =>
  JSON.stringify({ ...annotations, time, level, message, traceId, spanId, data, spans, error, otherErrors, interrupted })

const oneLine = (value: unknown): string => (typeof value === "string" && /^[^\s"=]+$/u.test(value) ? value : JSON.stringify(value))
const pairs = (fields: object): string => Object.entries(fields).map(([name, value]) => ` ${name}=${oneLine(value)}`).join("")

const errorLines = ({ cause, code, errors, message, stack, tag, ...fields }: ErrorShape, indent: string): ReadonlyArray<string> => [
  `${indent}${tag}${code === undefined ? "" : ` [${code}]`}: ${message}${pairs(fields)}`,
  ...(typeof stack === "string" ? stack.split("\n").filter((line) => line.trimStart().startsWith("at ")).slice(0, 8).map((line) => `${indent}  ${line.trim()}`) : []),
  ...(cause === undefined ? [] : errorLines(cause, `${indent}  caused by `)),
  ...(Array.isArray(errors) ? errors.flatMap((each: ErrorShape) => errorLines(each, `${indent}  `)) : [])
]

/** For people: the time of day, the message, then what else is known. */
export const formatPretty = ({ annotations, data, error, level, message, otherErrors, spans, time, traceId }: LogRecord): string =>
  [
    `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${message}${pairs({ ...annotations, ...data, ...(traceId === undefined ? {} : { traceId }) })}${
      pairs(Object.fromEntries(Object.entries(spans ?? {}).map(([label, ms]) => [label, `${ms}ms`])))}`,
    ...[error, ...(otherErrors ?? [])].flatMap((each) => (each === undefined ? [] : errorLines(each, "  ")))
  ].join("\n")
