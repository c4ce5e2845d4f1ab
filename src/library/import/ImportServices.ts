import { Context, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { FFmpeg } from "../../audio/FFmpeg.ts"
import { Database } from "../../persistence/Database.ts"
import { Guard } from "../../providers/guard/Guard.ts"
import { LocalFiles } from "../../providers/LocalFiles.ts"
import { MetadataLookup } from "../../providers/metadata/MetadataLookup.ts"
import { OutboundHttp } from "../../providers/outbound/OutboundHttp.ts"
import { VideoPages } from "../../providers/VideoPages.ts"
import { Blobs } from "../../storage/Blobs.ts"
import { BlobStore } from "../../storage/BlobStore.ts"

export interface ImportLimits {
  readonly maxBytes: number
  readonly maxDurationMs: number
  readonly downloadTimeoutMs: number
}

/** What the stages of an import work with. */
export const importServices = (limits: ImportLimits) =>
  Effect.gen(function* () {
    const ffmpeg = yield* FFmpeg
    return {
      limits,
      blobs: yield* Blobs,
      store: yield* BlobStore,
      database: yield* Database,
      outbound: yield* OutboundHttp,
      localFiles: yield* LocalFiles,
      videoPages: yield* VideoPages,
      lookup: yield* MetadataLookup,
      guard: yield* Guard,
      random: yield* SecureRandom.SecureRandom,
      provideFFmpeg: Effect.provideContext(Context.make(FFmpeg, ffmpeg))
    }
  })

export type ImportServices = Effect.Success<ReturnType<typeof importServices>>
