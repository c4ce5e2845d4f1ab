import { StringDecoder } from "node:string_decoder"

/** Characters kept of each end. Broken files make ffmpeg print thousands of lines; the cause is in the first or last ones. */
const keptOfEachEnd = 4_096
/** A line without an end is cut here. */
const longestLine = 2_048

/** Splits what a program prints into lines and keeps a bounded excerpt of it: its beginning and its end. */
export class StderrExcerpt {
  readonly #decoder = new StringDecoder("utf8")
  #pending = ""
  #head = ""
  #tail = ""
  #omittedLines = 0

  /** The lines that the chunk completes. ffmpeg ends those of its progress with a carriage return. */
  push(chunk: Uint8Array): ReadonlyArray<string> {
    return this.#take(this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))
  }

  /** The last line, if it had no end. */
  end(): ReadonlyArray<string> {
    return this.#take(`${this.#decoder.end()}\n`)
  }

  get text(): string {
    const omitted = this.#omittedLines > 0 ? `[${this.#omittedLines} lines left out]\n` : ""
    return this.#head + omitted + this.#tail
  }

  #take(text: string): ReadonlyArray<string> {
    const pieces = (this.#pending + text).split(/[\r\n]+/u)
    this.#pending = (pieces.pop() ?? "").slice(0, longestLine)
    const lines = pieces.filter((line) => line !== "").map((line) => line.slice(0, longestLine))
    for (const line of lines) this.#keep(`${line}\n`)
    return lines
  }

  #keep(line: string): void {
    if (this.#tail === "" && this.#head.length + line.length <= keptOfEachEnd) {
      this.#head += line
      return
    }
    this.#tail += line
    while (this.#tail.length > keptOfEachEnd) {
      this.#tail = this.#tail.slice(this.#tail.indexOf("\n") + 1)
      this.#omittedLines += 1
    }
  }
}
