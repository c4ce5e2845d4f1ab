/**
 * Playhead itself, and with it a kind of job whose stages have an effect on the outside world, and a door through which
 * the scenarios submit such jobs (LEDGER_URL, DOOR_PORT). The door opens after everything else, and a line says so.
 */
import http from "node:http"
import { runMain } from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Exit, Layer, Schema } from "effect"
import { appLayer } from "../../src/App.ts"
import { AppConfig } from "../../src/Config.ts"
import { SourceUnreachableError } from "../../src/domain/errors.ts"
import type { JobPriority } from "../../src/domain/Job.ts"
import { globalId } from "../../src/graphql/ids.ts"
import type { JobKindDefinition, StageRun } from "../../src/jobs/JobKinds.ts"
import { Jobs } from "../../src/jobs/Jobs.ts"
import { layer as logging } from "../../src/logging.ts"
import { Database } from "../../src/persistence/Database.ts"
import { startFailure } from "../../src/startup/startFailure.ts"
import { doorIsOpen } from "./nodeProcess.ts"

const ledger = process.env["LEDGER_URL"] ?? ""
const doorPort = Number(process.env["DOOR_PORT"])
const Options = Schema.Struct({ name: Schema.String, stageMs: Schema.Finite })
type Options = typeof Options.Type

const stages = (["REQUEST", "FETCH_RESULT", "FINALIZE"] as const).map((stage) => ({
  name: stage,
  weight: 1,
  output: Schema.Null,
  run: ({ jobId, options, reportProgress }: StageRun<Options>) =>
    Effect.gen(function* () {
      const half = Effect.sleep(options.stageMs / 2)
      yield* half
      reportProgress(0.5)
      const url = `${ledger}/${encodeURIComponent(`${options.name}/${stage}`)}`
      const answer = yield* Effect.tryPromise({
        try: async (signal) => {
          const response = await fetch(url, { method: "POST", headers: { "idempotency-key": `${jobId}/${stage}` }, signal })
          await response.text()
          return response
        },
        catch: (cause) => new SourceUnreachableError({ message: "The ledger did not answer.", url, cause })
      })
      if (!answer.ok) return yield* new SourceUnreachableError({ message: "The ledger refused.", url, httpStatus: answer.status })
      yield* half
      return { output: null }
    })
}))
const kind: JobKindDefinition<Options> = { kind: "GENERATE", options: Options, stages }

/** `POST /name?stageMs=…&priority=…` submits a job under that name as its idempotency key and answers with its id. */
const door = Layer.effectDiscard(
  Effect.gen(function* () {
    const database = yield* Database
    const jobs = yield* Jobs
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    const submit = (name: string, stageMs: number, priority: JobPriority) =>
      database.transaction((tx) => Effect.gen(function* () {
        const earlier = yield* jobs.submittedUnder(tx, name)
        return earlier?.jobId ?? (yield* jobs.submit(tx, { kind: "GENERATE", options: { name, stageMs }, trackId: null, priority, idempotency: { key: name, inputHash: name } }))
      }))
    const server = http.createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://door")
      run(submit(url.pathname.slice(1), Number(url.searchParams.get("stageMs")), (url.searchParams.get("priority") ?? "NORMAL") as JobPriority)).then(
        (id) => response.end(globalId("Job", id)),
        (error: unknown) => response.writeHead(500).end(String(error))
      )
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => { server.listen(doorPort, "127.0.0.1", resolve) })),
      () => Effect.promise(() => new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }))
    )
    yield* Effect.logInfo(doorIsOpen)
  })
)

const program = Effect.gen(function* () {
  const config = yield* AppConfig
  const app = appLayer(config, [kind])
  return yield* Layer.launch(Layer.provideMerge(door, app)).pipe(Effect.provide(logging({ format: config.logFormat, level: config.logLevel })))
})
// As src/launch.ts has it.
runMain(program.pipe(Effect.provide(AppConfig.layer)), {
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : startFailure(Cause.squash(exit.cause)).exitCode)
})
