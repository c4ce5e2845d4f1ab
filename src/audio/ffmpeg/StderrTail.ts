/** What a program says on stderr, kept within bounds: a damaged file makes ffmpeg print thousands of lines. */

const keptLines = 40
const maxLineLength = 2000

export interface StderrTail {
  readonly write: (chunk: string) => void
  /** The first and the last lines, in order. */
  readonly text: () => string
}

export const makeStderrTail = (onLine: (line: string) => void): StderrTail => {
  const first: Array<string> = []
  const last: Array<string> = []
  let rest = ""
  const keep = (line: string) => {
    onLine(line)
    if (first.length < keptLines) first.push(line)
    else {
      last.push(line)
      if (last.length > keptLines) last.shift()
    }
  }
  return {
    write: (chunk) => {
      // ffmpeg ends its progress lines with a carriage return.
      const lines = (rest + chunk).split(/[\r\n]+/)
      rest = (lines.pop() ?? "").slice(-maxLineLength)
      for (const line of lines) if (line !== "") keep(line.slice(0, maxLineLength))
    },
    text: () => [...first, ...last, rest].join("\n")
  }
}

/** The line that tells a person what went wrong, without the server's paths and ffmpeg's memory addresses. */
export const complaint = (stderr: string): string => {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^\[[^\]]* @ 0x[0-9a-f]+\]\s*/, "").replaceAll(/(?:file:)?\/\S+?(?=[:\s'"]|$)/g, "the file").trim())
    .filter((line) => line !== "" && !/^(size=|frame=|Conversion failed|Error while|Terminating|Last message repeated|video:|Task finished|Nothing was written)/.test(line))
  return (lines.at(-1) ?? "it gave no reason").slice(0, 300)
}
