import type { Origin } from "../domain/Origin.ts"
import type { Blobs } from "../storage/Blobs.ts"
import type { AnyJobKind } from "./JobKinds.ts"
import type { TellOfEnd } from "./OnJobEnded.ts"
import type { Delivery, Queue } from "./Queue.ts"
import type { StageRow } from "./stageRows.ts"

/** One run of a job, as long as no other run takes the job over. */
export interface Claim {
  /** Replaced when the queue, having missed heartbeats, delivers the job again to the very node that works on it. */
  delivery: Delivery
  readonly definition: AnyJobKind
  readonly jobId: string
  readonly trackId: string | null
  /** The job's attempt that this run is: its fencing token. */
  readonly attempt: number
  readonly options: unknown
  /** Of the request that submitted the job. */
  readonly origin: Origin
  /** As they stood at the start of the run. */
  readonly stages: ReadonlyArray<StageRow>
  /** The stage that the run begins with, begun. */
  readonly first: StageRow
}

/** What a change of state needs besides its transaction. */
export interface JobServices {
  readonly queue: Queue["Service"]
  readonly blobs: Blobs["Service"]
  readonly onJobEnded: ReadonlyArray<TellOfEnd>
}
