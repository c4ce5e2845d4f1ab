/**
 * A model of jobs to hold the real ones against: random commands of clients, workers and mishaps go to the engine on its
 * database, and after each of them every job must stand where the model says, with a log that has no gap and nothing
 * behind its end.
 */
import { Context, Deferred, Effect } from "effect"
import fc from "fast-check"
import { SourceUnreachableError, UnsupportedMediaError } from "../../src/domain/errors.ts"
import { canTransition, isTerminal, type JobStatus } from "../../src/domain/Job.ts"
import type { Claim } from "../../src/jobs/Claim.ts"
import { Runner, type StopReason } from "../../src/jobs/Runner.ts"
import { scriptedKind, type TestEngine } from "./jobEngine.ts"

const outcomes = ["SUCCEED", "FAIL", "RETRY", "DIE", "SHUTDOWN", "VANISH"] as const
type Outcome = (typeof outcomes)[number]

interface ModelJob {
  readonly id: string
  /** In the order of submission. */
  readonly number: number
  status: JobStatus
  priority: number
  /** Failures at the stage that comes next. */
  failures: number
  retried: boolean
  /** The run that may write. */
  attempt: number
  /** Runs that vanished, and may wake up. */
  readonly vanished: Array<Claim>
}

interface Model {
  readonly jobs: Array<ModelJob>
  submitted: number
}

interface Real {
  readonly engine: TestEngine
  readonly outcomes: Map<string, Outcome>
}

const priorities = ["LOW", "NORMAL", "HIGH"] as const
const refused = new UnsupportedMediaError({ message: "That is no audio.", detected: null, supported: [] })
const unreachable = new SourceUnreachableError({ message: "Out of order.", url: "http://example.org/", httpStatus: 503, retryAfterMs: null })
const maxFailures = 4

/** The kind that the model's jobs are of; its second stage ends as the command says. */
export const modelKind = (chosen: Map<string, Outcome>) =>
  scriptedKind((name, stage) => {
    if (stage !== "FETCH_RESULT") return undefined
    return () => {
      switch (chosen.get(name)) {
        case "FAIL": return Effect.fail(refused)
        case "RETRY": return Effect.fail(unreachable)
        case "DIE": return Effect.die(new Error("a bug"))
        case "SHUTDOWN": return Effect.never
        case "SUCCEED":
        case "VANISH":
        case undefined: return Effect.void
      }
    }
  })

const must = (holds: boolean, message: string): void => {
  if (!holds) throw new Error(message)
}

/** What must be true of every job at all times. */
const check = async ({ engine }: Real, model: Model, before: ReadonlyMap<string, JobStatus>): Promise<void> => {
  const rows = await Effect.runPromise(engine.sql<{ id: string; status: JobStatus; last_sequence: number; events: number; last: number; ends: number; last_kind: string; entries: number }>(
    `select j.id, j.status, j.last_sequence, count(e.*)::int as events, max(e.sequence)::int as last,
       count(*) filter (where e.kind in ('JobSucceededEvent', 'JobFailedEvent', 'JobCancelledEvent'))::int as ends,
       (array_agg(e.kind order by e.sequence desc))[1] as last_kind,
       (select count(*)::int from pgboss.job b where b.singleton_key = j.id::text) as entries
     from job j join job_event e on e.job_id = j.id where j.id = any($1::uuid[]) group by j.id`,
    [model.jobs.map((job) => job.id)]
  ))
  must(rows.length === model.jobs.length, `${rows.length} jobs instead of ${model.jobs.length}`)
  for (const row of rows) {
    const expected = model.jobs.find((job) => job.id === row.id)
    must(row.status === expected?.status, `job ${expected?.number} is ${row.status} and should be ${expected?.status}`)
    must(row.events === row.last_sequence && row.last === row.last_sequence, `job ${expected?.number} has a gap in its log`)
    must(row.ends === (isTerminal(row.status) ? 1 : 0), `job ${expected?.number}, ${row.status}, has ${row.ends} ends`)
    must(!isTerminal(row.status) || /^Job(Succeeded|Failed|Cancelled)Event$/.test(row.last_kind), `job ${expected?.number} goes on behind its end`)
    must(!isTerminal(row.status) || row.entries === 0, `job ${expected?.number} has ended and keeps a queue entry`)
    const was = before.get(row.id)
    must(was === undefined || was === row.status || !isTerminal(was), `job ${expected?.number} came back from ${was}`)
  }
}

abstract class Command implements fc.AsyncCommand<Model, Real> {
  check(_model: Readonly<Model>): boolean {
    return true
  }
  async run(model: Model, real: Real): Promise<void> {
    const before = new Map(model.jobs.map((job) => [job.id, job.status]))
    await this.act(model, real)
    await check(real, model, before)
  }
  abstract act(model: Model, real: Real): Promise<void>
  abstract toString(): string
}

const result = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.result(effect))
const tagOf = (answer: { readonly _tag: string; readonly failure?: unknown }) =>
  answer._tag === "Success" ? "Success" : (answer.failure as { _tag: string })._tag

class Submit extends Command {
  readonly priority: number
  constructor(priority: number) {
    super()
    this.priority = priority
  }
  async act(model: Model, { engine }: Real): Promise<void> {
    const number = model.submitted++
    const id = await Effect.runPromise(engine.submit(`model ${number}`, { priority: priorities[this.priority] ?? "NORMAL" }))
    model.jobs.push({ id, number, status: "QUEUED", priority: this.priority, failures: 0, retried: false, attempt: 0, vanished: [] })
  }
  toString = () => `submit(${priorities[this.priority]})`
}

/** A command on one of the jobs. */
abstract class OnJob extends Command {
  readonly index: number
  constructor(index: number) {
    super()
    this.index = index
  }
  override check = (model: Readonly<Model>) => model.jobs.length > 0
  act(model: Model, real: Real): Promise<void> {
    const job = model.jobs[this.index % model.jobs.length]
    if (job === undefined) throw new Error("no job")
    return this.actOn(job, model, real)
  }
  abstract actOn(job: ModelJob, model: Model, real: Real): Promise<void>
  toString = () => `${this.constructor.name.toLowerCase()}(${this.index})`
}

class Cancel extends OnJob {
  async actOn(job: ModelJob, _model: Model, { engine }: Real): Promise<void> {
    const conflict = job.status === "SUCCEEDED" || job.status === "FAILED"
    must(tagOf(await result(engine.jobs.cancel(job.id))) === (conflict ? "ConflictError" : "Success"), `cancelling a job that is ${job.status}`)
    if (job.status === "QUEUED" || job.status === "WAITING") job.status = "CANCELLED"
    else if (job.status === "RUNNING") job.status = "CANCELLING"
  }
}

class Prioritize extends OnJob {
  readonly priority: number
  constructor(index: number, priority: number) {
    super(index)
    this.priority = priority
  }
  async actOn(job: ModelJob, _model: Model, { engine }: Real): Promise<void> {
    const conflict = isTerminal(job.status) || job.status === "CANCELLING"
    const answer = await result(engine.jobs.prioritize(job.id, priorities[this.priority] ?? "NORMAL"))
    must(tagOf(answer) === (conflict ? "ConflictError" : "Success"), `prioritising a job that is ${job.status}`)
    if (!conflict) job.priority = this.priority
  }
}

class Retry extends OnJob {
  async actOn(job: ModelJob, model: Model, { engine }: Real): Promise<void> {
    const answer = await result(engine.jobs.retry(job.id, null))
    const possible = job.status === "FAILED" || job.status === "CANCELLED"
    if (!possible) return must(tagOf(answer) === "ConflictError", `retrying a job that is ${job.status}`)
    if (answer._tag === "Failure") return must(job.retried && answer.failure._tag === "ConflictError", `retrying a job that is ${job.status}`)
    must(answer.success.replayed === job.retried, `a retry is ${answer.success.replayed ? "" : "not "}a replay`)
    if (job.retried) return
    job.retried = true
    model.jobs.push({ id: answer.success.jobId, number: job.number, status: "QUEUED", priority: job.priority, failures: 0, retried: false, attempt: 0, vanished: [] })
  }
}

/** Time passes: whoever waits for a retry is due. */
class PassTime extends Command {
  async act(_model: Model, { engine }: Real): Promise<void> {
    await Effect.runPromise(engine.sql("update job set resume_at = now() - interval '1 second' where status = 'WAITING'"))
    await Effect.runPromise(engine.sql("update pgboss.job set start_after = now() - interval '1 second' where state < 'active'"))
  }
  toString = () => "passTime()"
}

/** A node that vanished is noticed: its entries can be taken again. */
class NoticeLoss extends Command {
  async act(_model: Model, { engine }: Real): Promise<void> {
    await Effect.runPromise(engine.sql("update pgboss.job set state = 'retry' where state = 'active'"))
  }
  toString = () => "noticeLoss()"
}

/** A worker takes whatever is next, and its run ends as told. */
class Work extends Command {
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    super()
    this.outcome = outcome
  }
  async act(model: Model, real: Real): Promise<void> {
    const runner = Context.get(real.engine.context, Runner)
    const [taken] = await Effect.runPromise(runner.take({ limit: 1, except: [], runsHere: () => false }))
    if (taken === undefined) return
    if (taken._tag === "Settled") {
      // Entries of lost runs whose job is to be cancelled end it right away.
      const rows = await Effect.runPromise(real.engine.sql<{ id: string; status: JobStatus }>("select id, status from job where id = any($1::uuid[])", [model.jobs.map((job) => job.id)]))
      for (const row of rows) {
        const job = model.jobs.find((each) => each.id === row.id)
        if (job?.status === "CANCELLING" && row.status === "CANCELLED") job.status = "CANCELLED"
      }
      return
    }
    if (taken._tag !== "Claimed") throw new Error(`took ${taken._tag}`)
    const job = model.jobs.find((each) => each.id === taken.claim.jobId)
    if (job === undefined) throw new Error("took a job of nobody")
    must(canTransition(job.status, "RUNNING") || job.status === "RUNNING", `a job was taken that is ${job.status}`)
    const overtaken = model.jobs.find((each) => each.status === "QUEUED" && each.priority > job.priority)
    must(overtaken === undefined, `a job of priority ${job.priority} was taken before one of ${overtaken?.priority}`)
    must(taken.claim.attempt === job.attempt + 1, "two runs of a job bear one number")
    job.attempt = taken.claim.attempt
    if (this.outcome === "VANISH") {
      job.status = "RUNNING"
      job.vanished.push(taken.claim)
      return
    }
    real.outcomes.set(`model ${job.number}`, this.outcome)
    const stop = await Effect.runPromise(Deferred.make<StopReason>())
    if (this.outcome === "SHUTDOWN") await Effect.runPromise(Deferred.succeed(stop, "SHUTDOWN"))
    await Effect.runPromise(runner.run(taken.claim, { stop, isFull: () => false }).pipe(Effect.provide(real.engine.context)))
    switch (this.outcome) {
      case "SUCCEED": job.status = "SUCCEEDED"; break
      case "FAIL":
      case "DIE": job.status = "FAILED"; break
      case "SHUTDOWN": job.status = "QUEUED"; break
      case "RETRY":
        job.failures++
        job.status = job.failures < maxFailures ? "WAITING" : "FAILED"
    }
  }
  toString = () => `work(${this.outcome})`
}

/** A run that was thought lost wakes up and goes on: it writes only while no other has the job. */
class Wake extends OnJob {
  async actOn(job: ModelJob, _model: Model, real: Real): Promise<void> {
    const claim = job.vanished.shift()
    if (claim === undefined) return
    const stillItsOwn = claim.attempt === job.attempt && (job.status === "RUNNING" || job.status === "CANCELLING")
    real.outcomes.set(`model ${job.number}`, "SUCCEED")
    const stop = await Effect.runPromise(Deferred.make<StopReason>())
    await Effect.runPromise(Context.get(real.engine.context, Runner).run(claim, { stop, isFull: () => false }).pipe(Effect.provide(real.engine.context)))
    if (stillItsOwn) job.status = job.status === "CANCELLING" ? "CANCELLED" : "SUCCEEDED"
  }
}

const index = fc.nat({ max: 30 })
const priority = fc.nat({ max: 2 })
const commands = [
  priority.map((each) => new Submit(each)),
  fc.constantFrom(...outcomes).map((each) => new Work(each)),
  fc.constantFrom(...outcomes).map((each) => new Work(each)),
  index.map((each) => new Cancel(each)),
  index.map((each) => new Retry(each)),
  fc.tuple(index, priority).map(([job, each]) => new Prioritize(job, each)),
  fc.constant(new PassTime()),
  fc.constant(new NoticeLoss()),
  index.map((each) => new Wake(each))
]

/** Runs of 50 commands each; throws with the seed and the shortest failing sequence. The engine must have no worker. */
export const holdAgainstModel = (engine: TestEngine, chosen: Map<string, Outcome>, options: { readonly runs: number; readonly seed?: number }): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 50, size: "max" }), async (sequence) => {
      // Each run has the tables to itself.
      await Effect.runPromise(engine.sql("delete from pgboss.job"))
      await Effect.runPromise(engine.sql("truncate job cascade"))
      await fc.asyncModelRun(() => ({ model: { jobs: [], submitted: 0 }, real: { engine, outcomes: chosen } }), sequence)
    }),
    { numRuns: options.runs, ...(options.seed === undefined ? {} : { seed: options.seed }) }
  )
