/** What a file says of itself, and how well that describes it. */
import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import { noTags, type Tags } from "./tags/Tags.ts"

const timeLimit = "10 seconds"
/** For the parser's objects; what a cover weighs is capped where tags are cleaned. */
const maxHeapMb = 256

/**
 * In a thread, because a parser that is led in circles by a hostile file never gives the event loop a turn: no timeout
 * would fire, and nothing else in this process would run.
 */
const readInThread = (path: string): Effect.Effect<Tags, Error> =>
  Effect.callback<Tags, Error>((resume) => {
    const worker = new Worker(new URL("./tags/readTags.worker.ts", import.meta.url), {
      workerData: path,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // The server's own flags and output are none of its business.
      execArgv: [],
      stdout: true,
      stderr: true
    })
    worker.once("message", (tags: Tags) => resume(Effect.succeed(tags)))
    worker.once("error", (cause) => resume(Effect.fail(cause instanceof Error ? cause : new Error(String(cause)))))
    worker.once("exit", () => resume(Effect.fail(new Error("The parser ended without an answer"))))
    return Effect.promise(() => worker.terminate())
  })

/** Never fails: a file whose tags cannot be read in time has none, and the log says why. */
export const readTags: (path: string) => Effect.Effect<Tags> = Effect.fn("audio.readTags")(function* (path: string) {
  return yield* readInThread(path).pipe(
    Effect.timeout(timeLimit),
    Effect.catch((failure) => Effect.as(Effect.logInfo("The tags could not be read; the file is taken to have none", failure), noTags))
  )
})

/** How much each part of the description adds; they sum to 1. */
const qualityWeights = { title: 0.25, artist: 0.25, album: 0.15, year: 0.1, genres: 0.05, trackNumber: 0.05, cover: 0.1, musicBrainzId: 0.05 } as const

/** How well a track is described, 0 to 1: the sum of the weights of what is there. */
export const metadataQuality = (tags: { readonly [Part in keyof typeof qualityWeights]: unknown }): number => {
  const present = (value: unknown): boolean => Array.isArray(value) ? value.length > 0 : value !== null
  const parts = Object.entries(qualityWeights).filter(([part]) => present(tags[part as keyof typeof qualityWeights]))
  return Math.round(parts.reduce((sum, [, weight]) => sum + weight, 0) * 100) / 100
}
