/** Programs and models that an operator may supply. */
import { devNull } from "node:os"
import { Effect } from "effect"
import { applySpeechModel } from "../../audio/enhance/speechModel.ts"
import { printed } from "../../audio/ffmpeg/program.ts"
import type { Finding } from "./Finding.ts"

const modelTimeoutMs = 30_000

export const videoPages = Effect.fnUntraced(function* (path: string | undefined) {
  const name = "yt-dlp"
  if (path === undefined) return { name, state: "off", found: "YTDLP_PATH is not set: pages with a video are not imported" } satisfies Finding
  const version = yield* printed(path, ["--version"])
  return (version === undefined
    ? { name, state: "limited", found: `${path} does not run`, advice: "Pages with a video are not imported: correct YTDLP_PATH, and see that the program may be executed." }
    : { name, state: "fit", found: `${version.slice(0, 40)}, ${path}` }) satisfies Finding
})

/** Loads the model, as denoising would, and gives it nothing to do. */
export const speechModel = Effect.fnUntraced(function* (path: string | undefined) {
  const name = "denoising model"
  if (path === undefined) return { name, state: "off", found: "DENOISER_MODEL_PATH is not set: enhancement begins at the tier MEDIUM" } satisfies Finding
  const nothing = { input: devNull, output: devNull, sampleRateHz: 48_000, channels: 1, onProgress: () => {} }
  return yield* applySpeechModel({ path, timeoutMs: modelTimeoutMs }, nothing).pipe(
    Effect.map(({ sampleRateHz }): Finding => ({ name, state: "fit", found: `${path}, ${sampleRateHz} Hz` })),
    Effect.catch(({ message }) => Effect.succeed<Finding>({ name, state: "limited", found: `${path} cannot be used: enhancement begins at the tier MEDIUM`, advice: message }))
  )
})
