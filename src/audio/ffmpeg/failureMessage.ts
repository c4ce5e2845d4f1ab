/** What ffmpeg prints after the cause: sums, and that something failed. */
const aftermath = [
  /^Conversion failed!/u,
  /^Error opening (?:input|output) files?\b/u,
  /^Error splitting the argument list/u,
  /^Exiting normally/u,
  /^Nothing was written into output file/u,
  /^Output file is empty/u,
  /^Could not open encoder before EOF/u,
  /^(?:Task finished|Terminating thread)\b/u,
  /^(?:size|frame)=/u,
  /^(?:video|audio):\d/u,
  /^Press \[q\]/u,
  /^Stream mapping:|^\s*Stream #\d|^(?:Input|Output) #\d|^\s*(?:Duration|Metadata|encoder)\b/u,
  /^\[\d+ lines left out\]/u
]

/** `[mp3 @ 0x55fd57c7a040] ` and the like: whose line it is; addresses say nothing to people. */
const speaker = /^(?:\[[^\]]*\]\s*)+/u
const absolutePath = /(?:file:)?(?:\/[^\s/:'",]+)+\/?/gu

/**
 * The last line of ffmpeg's stderr that names a cause, fit to be shown to people: no path of this server, no memory
 * address, at most 200 characters. `paths` are those of the command, which may hold spaces.
 */
export const lastCause = (stderr: string, paths: ReadonlyArray<string>): string | undefined => {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(speaker, "").trim())
    .filter((line) => line !== "")
  const cause = lines.findLast((line) => !aftermath.some((pattern) => pattern.test(line)))
  if (cause === undefined) return undefined
  const named = paths.reduce((line, path) => line.replaceAll(path, "the file"), cause)
  return named.replace(absolutePath, "the file").slice(0, 200)
}
