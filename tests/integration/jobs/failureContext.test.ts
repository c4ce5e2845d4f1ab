import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FailureObserver, type ObservedFailure } from "../../../src/domain/failureObserver.ts"
import { ProviderError, QualityThresholdError } from "../../../src/domain/errors.ts"
import { layer as logging } from "../../../src/logging.ts"
import { engines, testDatabase } from "../../support/database.ts"
import { scriptedKind, startEngine } from "../../support/jobEngine.ts"
import { captureLogLines } from "../../support/logLines.ts"

const hungUp = new ProviderError({ message: "The provider hung up.", provider: "itunes", reason: "UNAVAILABLE", retryAfterMs: null, cause: new Error("socket hang up") })
const poor = new QualityThresholdError({ message: "Too much noise is left.", metric: "floorReductionDb", score: 1.5, threshold: 3 })
const stageMs = 120
const trackId = "00000000-0000-7000-8000-000000000001"

describe.each(engines)("a stage's failure, on %s", (engineName) => {
  it.live("is known with all that belongs to it, by the log, the job and the statistics", () =>
    Effect.gen(function* () {
      const log = yield* Effect.acquireRelease(Effect.sync(captureLogLines), ({ restore }) => Effect.sync(restore))
      const told: Array<ObservedFailure> = []
      const { definition } = scriptedKind((_name, stage) =>
        stage === "FETCH_RESULT" ? (_run, attempt) => Effect.andThen(Effect.sleep(stageMs), Effect.fail(attempt === 1 ? hungUp : poor)) : undefined)
      const engine = yield* startEngine({
        database: testDatabase(engineName),
        kinds: [definition],
        logging: Layer.merge(
          logging({ format: "json", level: "Info" }),
          Layer.succeed(FailureObserver, { failed: (failure) => void told.push(failure), recovered: () => {} })
        )
      })
      yield* engine.sql(
        "insert into track (id, status, source_kind, source_url, title, tags, size_bytes, created_at, updated_at) values ($1, 'READY', 'URL', 'https://example.org/a.mp3', 'A song', '{}', 1, now(), now())",
        [trackId]
      )
      const jobId = yield* engine.database.transaction((tx) => engine.jobs.submit(tx, { kind: "GENERATE", options: { name: "poor" }, trackId, priority: "NORMAL" }))
      yield* engine.untilStatus(jobId, "FAILED")

      const where = { jobId, trackId, kind: "GENERATE", stage: "FETCH_RESULT" }
      const [first, second, ...more] = log.lines.filter(({ error }) => error !== undefined)
      expect(first).toMatchObject({ ...where, attempt: 1, error: { code: "PROVIDER_FAILED", provider: "itunes", reason: "UNAVAILABLE", cause: { message: "socket hang up" } } })
      expect(second).toMatchObject({ ...where, attempt: 2, error: { code: "QUALITY_BELOW_THRESHOLD", metric: "floorReductionDb", score: 1.5, threshold: 3 } })
      expect(more).toEqual([])
      for (const line of [first, second]) expect((line as { readonly durationMs?: number } | undefined)?.durationMs).toBeGreaterThanOrEqual(stageMs - 5)

      const failure = { _tag: "QualityThresholdError", message: poor.message, metric: "floorReductionDb", score: 1.5, threshold: 3 }
      expect((yield* engine.events(jobId)).at(-1)).toMatchObject({ kind: "JobFailedEvent", data: { failure } })
      const [stage] = yield* engine.sql<{ failure: object; took_ms: number }>(
        "select failure, extract(epoch from finished_at - started_at)::float8 * 1000 as took_ms from job_stage where job_id = $1 and status = 'FAILED'", [jobId])
      expect(stage?.failure).toMatchObject(failure)
      expect(stage?.took_ms).toBeGreaterThanOrEqual(stageMs - 5)

      expect(told).toEqual([
        { code: "PROVIDER_FAILED", stage: "FETCH_RESULT", provider: "itunes", jobId, handled: true },
        { code: "QUALITY_BELOW_THRESHOLD", stage: "FETCH_RESULT", provider: null, jobId, handled: true }
      ])
    }).pipe(Effect.scoped), 120_000)
})
