/** A job's log while it is watched: each event is read once, however many watch. */
import { Cause, Effect, Latch, Option, type Scope } from "effect"
import { NotFoundError } from "../domain/errors.ts"
import type { Feed, FeedEntry } from "../domain/Feed.ts"
import { isTerminal, type JobStatus } from "../domain/Job.ts"
import { decodeEventBody, isTerminalEvent, type JobEvent } from "../domain/JobEvent.ts"
import { Database } from "../persistence/Database.ts"
import { makeFeedSource } from "./feedSource.ts"
import { throughOutages } from "./outages.ts"

/** How many events one read brings; a replay of a long log takes several. */
const pageSize = 100
/** An announcement is only a hint and may be lost with its connection; nobody waits longer than this for the next look. */
const safetyPoll = "10 seconds"

interface EventRow {
  readonly sequence: number
  readonly kind: string
  readonly data: object
  readonly at: Date
}

/** Progress is worth only what the newest of its kind says: of the same try of the same stage. */
const subjectOf = ({ body }: JobEvent): string | undefined =>
  body._tag === "StageProgressedEvent" ? `${body.stage.name}:${body.stage.attempt}` : undefined

const entryOf = (jobId: string) => (row: EventRow): FeedEntry<JobEvent> => {
  const event: JobEvent = { jobId, sequence: row.sequence, at: row.at, body: decodeEventBody({ _tag: row.kind, ...row.data }) }
  return { position: row.sequence, value: event, subject: subjectOf(event), last: isTerminalEvent(event) }
}

const noSuchJob = (jobId: string) => new NotFoundError({ message: "There is no such job.", id: jobId })

/** Positions are sequences. `onAnnounced` registers what to call whenever the job's log may have grown. */
export const watchLog = Effect.fn("jobs.watchLog")(function*(
  jobId: string,
  onAnnounced: (jobId: string, wake: () => void) => () => void
): Effect.fn.Return<Feed<JobEvent>, NotFoundError, Database | Scope.Scope> {
  const database = yield* Database
  const readJob = Effect.map(
    database.query<{ status: JobStatus; last: number }>("jobEvents.job", "select status, last_sequence as last from job where id = $1", [jobId]),
    (rows) => rows[0]
  )
  const readEvents = (after: number) =>
    Effect.map(
      database.query<EventRow>(
        "jobEvents.after",
        `select sequence, kind, data, at from job_event where job_id = $1 and sequence > $2 order by sequence limit ${pageSize}`,
        [jobId, after]
      ),
      (rows) => rows.map(entryOf(jobId))
    )

  const latch = yield* Latch.make(false)
  // Before the first read: what is written in between is announced, and found by the next one.
  yield* Effect.acquireRelease(Effect.sync(() => onAnnounced(jobId, () => latch.openUnsafe())), (stop) => Effect.sync(stop))
  const job = yield* readJob
  if (job === undefined) return yield* noSuchJob(jobId)
  const source = makeFeedSource<JobEvent>(job.last)

  /** Reads what is new until there is nothing more, or the log has ended. */
  const readNews = Effect.gen(function*() {
    let more = true
    while (more && source.ended() === undefined) {
      const entries = yield* readEvents(source.newest())
      if (entries.length > 0) source.publish(entries)
      if (entries.at(-1)?.last === true) source.end({ failure: undefined })
      more = entries.length === pageSize
    }
  })
  /** For what no announcement tells: the job was deleted, or its log ended unheard and was shortened. */
  const lookAtJob = Effect.map(readJob, (job) => {
    if (job === undefined) source.end({ failure: Cause.fail(noSuchJob(jobId)) })
    else if (isTerminal(job.status) && source.newest() >= job.last) source.end({ failure: undefined })
  })
  const tail = Effect.gen(function*() {
    while (source.ended() === undefined) {
      const announced = yield* Effect.timeoutOption(latch.await, safetyPoll)
      yield* latch.close
      // After an outage it is the first thing to do.
      yield* Effect.onError(readNews, () => latch.open)
      if (Option.isNone(announced) && source.ended() === undefined) yield* lookAtJob
    }
  })
  if (isTerminal(job.status)) source.end({ failure: undefined })
  else yield* Effect.forkScoped(Effect.onError(throughOutages(tail), (failure) => Effect.sync(() => source.end({ failure }))))

  return {
    name: `jobEvents:${jobId}`,
    newest: source.newest,
    ended: source.ended,
    listen: source.listen,
    stored: (after) =>
      Effect.suspend(() => {
        const known = source.newest()
        return Effect.map(throughOutages(readEvents(after)), (entries) => {
          const last = entries.at(-1)?.position ?? after
          return { entries, until: entries.length === pageSize ? last : Math.max(last, known) }
        })
      })
  }
})
