/** The job engine by itself, with a kind of job whose stages a test speaks for. */
import { join } from "node:path"
import { Context, Deferred, Effect, Exit, Layer, Logger, Schedule, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Failure } from "../../src/domain/errorCatalog.ts"
import type { JobKind, JobPriority, JobStatus, StageName } from "../../src/domain/Job.ts"
import { type AnyJobKind, type JobKindDefinition, JobKinds, type StageRun } from "../../src/jobs/JobKinds.ts"
import { Jobs } from "../../src/jobs/Jobs.ts"
import { Node } from "../../src/jobs/Node.ts"
import { OnJobEnded, type TellOfEnd } from "../../src/jobs/OnJobEnded.ts"
import { Queue } from "../../src/jobs/Queue.ts"
import { Runner } from "../../src/jobs/Runner.ts"
import { sweepLayer } from "../../src/jobs/Sweep.ts"
import { takeoverLayer } from "../../src/jobs/Takeover.ts"
import { Worker } from "../../src/jobs/Worker.ts"
import { Database } from "../../src/persistence/Database.ts"
import { Blobs } from "../../src/storage/Blobs.ts"
import { localBlobStore } from "../../src/storage/localBlobStore.ts"
import { WorkDirectories } from "../../src/storage/WorkDirectories.ts"
import { temporaryDirectory } from "./temporaryDirectory.ts"

/** What a job of the test is submitted with: a name by which its stages are told what to do. */
export const ScriptOptions = Schema.Struct({ name: Schema.String })
type ScriptOptions = typeof ScriptOptions.Type

type StageScript = (run: StageRun<ScriptOptions>, attempt: number) => Effect.Effect<unknown, Failure, Scope.Scope>

/**
 * Three stages that do what `script` says for the job's name and the stage, or nothing at all; each outputs
 * `<name>/<stage>`. Every run of a stage is noted in `runs`.
 */
export const scriptedKind = (script: (name: string, stage: StageName) => StageScript | undefined = () => undefined, kind: JobKind = "GENERATE") => {
  const runs: Array<string> = []
  const finished: Array<string> = []
  const stages = (["REQUEST", "FETCH_RESULT", "FINALIZE"] as const).map((stage) => ({
    name: stage,
    weight: 1,
    output: Schema.String,
    run: (run: StageRun<ScriptOptions>) =>
      Effect.gen(function*() {
        const label = `${run.options.name}/${stage}`
        runs.push(label)
        yield* script(run.options.name, stage)?.(run, runs.filter((other) => other === label).length) ?? Effect.void
        return { output: label }
      })
  }))
  const definition: JobKindDefinition<ScriptOptions> = {
    kind,
    options: ScriptOptions,
    stages,
    onFinished: (_tx, job) => Effect.sync(() => { finished.push(`${job.options.name} ${job.status}`) })
  }
  return { definition, runs, finished }
}

export interface EngineOptions {
  readonly database: Layer.Layer<Database>
  readonly kinds: ReadonlyArray<AnyJobKind>
  readonly concurrency?: number
  readonly kindConcurrency?: ReadonlyMap<JobKind, number>
  /** Without a worker jobs are submitted and nothing else. */
  readonly worker?: boolean
  readonly onJobEnded?: ReadonlyArray<TellOfEnd>
  /** Where log lines go; unless told nowhere, as what fails here is meant to. */
  readonly logging?: Layer.Layer<never>
}

/** One node. */
export const startEngine = Effect.fnUntraced(function*(options: EngineOptions) {
  const directory = yield* temporaryDirectory
  const foundation = Layer.mergeAll(
    options.database,
    localBlobStore({ directory: join(directory, "blobs") }),
    WorkDirectories.layer({ directory: join(directory, "work") }),
    Layer.succeed(JobKinds, new Map(options.kinds.map((kind) => [kind.kind, kind]))),
    Layer.succeed(OnJobEnded, options.onJobEnded ?? [])
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const engine = Layer.mergeAll(Jobs.layer, Runner.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(Queue.layer, Node.layer)),
    Layer.provideMerge(Blobs.layer),
    Layer.provideMerge(foundation)
  )
  const work = Layer.mergeAll(takeoverLayer, sweepLayer({ logRetentionDays: 30 })).pipe(
    Layer.provideMerge(Worker.layer({ concurrency: options.concurrency ?? 2, kindConcurrency: options.kindConcurrency ?? new Map() }))
  )
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const context = yield* Layer.buildWithMemoMap(
    (options.worker === false ? engine : Layer.provideMerge(work, engine)).pipe(Layer.provideMerge(options.logging ?? Logger.layer([]))),
    yield* Layer.makeMemoMap,
    scope
  )
  const services = context as Context.Context<Layer.Success<typeof engine>>
  const jobs = Context.get(services, Jobs)
  const database = Context.get(services, Database)
  const sql = <Row extends object>(text: string, params: ReadonlyArray<unknown> = []) =>
    database.transaction((tx) => tx.query<Row>(text, params))

  const statusOf = (jobId: string) => Effect.map(sql<{ status: JobStatus }>("select status from job where id = $1", [jobId]), (rows) => rows[0]?.status)
  const until = <A>(probe: Effect.Effect<A>, holds: (value: A) => boolean) =>
    probe.pipe(
      Effect.filterOrFail(holds, (value) => new Error(`not yet: ${JSON.stringify(value)}`)),
      Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "30 seconds" }))),
      Effect.orDie
    )
  return {
    context: services,
    jobs,
    database,
    sql,
    statusOf,
    node: Context.get(services, Node),
    submit: (name: string, details: { readonly kind?: JobKind; readonly priority?: JobPriority } = {}) =>
      database.transaction((tx) => jobs.submit(tx, { kind: details.kind ?? "GENERATE", options: { name }, trackId: null, priority: details.priority ?? "NORMAL" })),
    untilStatus: (jobId: string, status: JobStatus) => until(statusOf(jobId), (now) => now === status),
    until,
    events: (jobId: string) =>
      sql<{ sequence: number; kind: string; stage: string | null; data: { reused?: boolean; failure?: { _tag: string; message: string } } }>(
        "select sequence, kind, stage, data from job_event where job_id = $1 order by sequence",
        [jobId]
      ),
    stages: (jobId: string) =>
      sql<{ name: StageName; status: string; attempt: number; failures: number; losses: number; output: unknown }>(
        "select name, status, attempt, failures, losses, output from job_stage where job_id = $1 order by position",
        [jobId]
      ),
    /** As at the end of the process; the scope does it too. */
    stop: Scope.close(scope, Exit.void)
  }
})

export type TestEngine = Effect.Success<ReturnType<typeof startEngine>>

/** A gate that stages wait at until a test opens it; tells how many have come. */
export const makeGate = Effect.gen(function*() {
  const gate = yield* Deferred.make<void>()
  let come = 0
  return {
    open: Deferred.succeed(gate, undefined),
    pass: Effect.suspend(() => {
      come++
      return Deferred.await(gate)
    }),
    come: Effect.sync(() => come)
  }
})
