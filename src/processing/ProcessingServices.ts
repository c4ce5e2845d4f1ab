import { Context, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { FFmpeg } from "../audio/FFmpeg.ts"
import { Database } from "../persistence/Database.ts"
import { Blobs } from "../storage/Blobs.ts"
import { BlobStore } from "../storage/BlobStore.ts"

/** What the stages work with that find a track's audio and keep what was made of it. */
export const processingServices = Effect.gen(function* () {
  const ffmpeg = yield* FFmpeg
  return {
    blobs: yield* Blobs,
    store: yield* BlobStore,
    database: yield* Database,
    random: yield* SecureRandom.SecureRandom,
    provideFFmpeg: Effect.provideContext(Context.make(FFmpeg, ffmpeg))
  }
})

export type ProcessingServices = Effect.Success<typeof processingServices>
