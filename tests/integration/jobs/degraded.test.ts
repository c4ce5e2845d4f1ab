import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { ProviderError, UnsupportedMediaError } from "../../../src/domain/errors.ts"
import { engines, testDatabase } from "../../support/database.ts"
import { scriptedKind } from "../../support/jobEngine.ts"
import { useEngine } from "../../support/useEngine.ts"

const refused = new UnsupportedMediaError({ message: "That is no audio.", detected: "text/plain", supported: ["audio/flac"] })
const away = new ProviderError({ message: "The model is away.", provider: "sherpa-onnx", reason: "UNAVAILABLE", retryAfterMs: 10 })

describe.each(engines)("a job that fell back to a lesser method and then failed, on %s", (engineName) => {
  // At first the better way is gone and what follows is refused; later both work.
  const kind = scriptedKind((name, stage) => {
    if (name === "finds the better way") {
      return stage === "REQUEST" ? ({ reportDegradation }, attempt) =>
        attempt === 1 ? Effect.andThen(reportDegradation({ from: "HIGH", to: "BASIC", failure: away }), Effect.fail(away)) : Effect.void : undefined
    }
    if (stage === "REQUEST") return ({ reportDegradation }, attempt) => (attempt % 2 === 1 ? reportDegradation({ from: "HIGH", to: "BASIC", failure: away }) : Effect.void)
    if (stage === "FETCH_RESULT") return (_run, attempt) => (attempt % 2 === 1 ? Effect.fail(refused) : Effect.void)
    return undefined
  })
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition] })
  const degraded = (jobId: string) => Effect.map(engine().sql<{ degraded: boolean }>("select degraded from job where id = $1", [jobId]), (rows) => rows[0]?.degraded)
  const stages = (jobId: string) => engine().sql<{ status: string; degraded_from: string | null }>("select status, degraded_from from job_stage where job_id = $1 order by position", [jobId])

  it.live("says so; a retry of all of it that found the better way does not", () => Effect.gen(function* () {
    const id = yield* engine().submit("from the beginning")
    yield* engine().untilStatus(id, "FAILED")
    expect(yield* degraded(id)).toBe(true)
    const retry = yield* engine().jobs.retry(id, "REQUEST")
    yield* engine().untilStatus(retry.jobId, "SUCCEEDED")
    expect(yield* degraded(retry.jobId)).toBe(false)
    expect((yield* stages(retry.jobId)).map(({ degraded_from: from }) => from)).toEqual([null, null, null])
    expect(yield* degraded(id)).toBe(true)
    const [end] = (yield* engine().events(retry.jobId)).slice(-1)
    expect(end).toMatchObject({ kind: "JobSucceededEvent", data: { degraded: false } })
  }))

  it.live("passes that on to a retry that goes on with what the lesser method made", () => Effect.gen(function* () {
    const id = yield* engine().submit("from where it failed")
    yield* engine().untilStatus(id, "FAILED")
    const retry = yield* engine().jobs.retry(id, null)
    yield* engine().untilStatus(retry.jobId, "SUCCEEDED")
    expect(yield* stages(retry.jobId)).toEqual([{ status: "REUSED", degraded_from: "HIGH" }, { status: "SUCCEEDED", degraded_from: null }, { status: "SUCCEEDED", degraded_from: null }])
    expect(yield* degraded(retry.jobId)).toBe(true)
  }))

  it.live("is not so any more when its second try found the better way", () => Effect.gen(function* () {
    const id = yield* engine().submit("finds the better way")
    yield* engine().untilStatus(id, "SUCCEEDED")
    expect((yield* engine().events(id)).map(({ kind }) => kind)).toContain("StageDegradedEvent")
    expect(yield* degraded(id)).toBe(false)
  }))
})
