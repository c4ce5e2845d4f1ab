import { Context, type Effect, type Stream } from "effect"
import type { NotFoundError } from "../domain/errors.ts"
import type { JobEvent } from "../domain/JobEvent.ts"

/** Watching jobs. */
export class JobEvents extends Context.Service<JobEvents, {
  /**
   * The events of a job behind `afterSequence`: the stored ones, then live ones, without gap or repeat, whichever node
   * writes them; ends after the terminal one. Pull-based: a slow consumer holds nothing in memory.
   * `jobId` is the bare uuid.
   */
  readonly follow: (jobId: string, afterSequence: number) => Effect.Effect<Stream.Stream<JobEvent>, NotFoundError>
  /** Ids of jobs that changed since the stream was opened, in batches of distinct ids; a slow consumer gets larger batches. `null` means that anything may have changed (the listening connection was lost for a while). */
  readonly changes: Stream.Stream<ReadonlyArray<string> | null>
}>()("playhead/jobs/JobEvents") {}
