/** Reads the tags of `workerData` (a path) in a thread of its own, which can be ended whatever a parser does. */
import { openAsBlob } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { parseBlob } from "music-metadata"
import { cleanTags } from "./cleanTags.ts"

// A blob has no name, so that the parser is chosen by the content.
const { common } = await parseBlob(await openAsBlob(workerData as string), { duration: false })
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(cleanTags(common))
