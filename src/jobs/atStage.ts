import type { Failure } from "../domain/errorCatalog.ts"
import { AudioProcessingError, TimedOutError } from "../domain/errors.ts"
import type { StageName } from "../domain/Job.ts"

// Copied by name: the message of an Error is not among the properties that a spread takes.
const causeOf = ({ cause }: Failure) => (cause === undefined ? {} : { cause })

/** The failure with the stage that it belongs to: the audio layer does not know which stage it works for. */
export const atStage = (failure: Failure, stage: StageName): Failure => {
  if (failure._tag === "AudioProcessingError" && !failure.stage) return new AudioProcessingError({ message: failure.message, stage, ...causeOf(failure) })
  if (failure._tag === "TimedOutError" && !failure.stage) return new TimedOutError({ message: failure.message, timeoutMs: failure.timeoutMs, stage, ...causeOf(failure) })
  return failure
}
