import { describe, expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FailureObserver } from "../../../src/domain/failureObserver.ts"
import { FailureStatistics } from "../../../src/operations/failures/FailureStatistics.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../support/database.ts"

const jobId = "00000000-0000-7000-8000-000000000001"

describe.each(engines)("the statistics of failures on %s", (engine) => {
  layer(FailureStatistics.layer.pipe(Layer.provideMerge(testDatabase(engine))), { excludeTestServices: true, timeout: 120_000 })((it) => {
    it.effect("sum up what failed by code, stage and provider, with what became of it", () =>
      Effect.gen(function* () {
        const { failed, recovered } = yield* FailureObserver
        const statistics = yield* FailureStatistics
        const storage = { code: "STORAGE_FAILED", stage: "STORE", provider: null } as const
        const itunes = { code: "PROVIDER_FAILED", stage: null, provider: "itunes" } as const
        for (let n = 0; n < 3; n++) failed({ ...storage, jobId, handled: true })
        failed({ ...itunes, jobId: null, handled: true })
        failed({ code: "INTERNAL", stage: "PROBE", provider: null, jobId, handled: false })
        recovered({ ...storage, count: 2, afterMs: 1500 })
        yield* statistics.write
        // What is written later is added, and so is what another node writes.
        failed({ ...itunes, jobId: null, handled: true })
        recovered({ ...itunes, count: 1, afterMs: 600 })

        const report = yield* statistics.report(3600)
        expect(report.groups).toMatchObject([
          { ...storage, count: 3, unhandled: 0, recovered: 2, sampleJobId: jobId },
          { ...itunes, count: 2, unhandled: 0, recovered: 1, sampleJobId: null },
          { code: "INTERNAL", stage: "PROBE", count: 1, unhandled: 1, recovered: 0 }
        ])
        expect(report.meanTimeToRecoveryMs).toBe(1200)
        expect(report.from.getTime() % 60_000).toBe(0)
        expect(report.to.getTime() - report.from.getTime()).toBeGreaterThanOrEqual(3600_000)
        expect(report.groups[0]?.lastSeenAt.getTime()).toBeLessThanOrEqual(report.to.getTime())
      })
    )

    it.effect("leave out what is older than asked for, and say so when there is nothing", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const statistics = yield* FailureStatistics
        yield* database.query("test.age", "with hours as (update failure_hour set hour = hour - interval '2 hours') update failure_minute set minute = minute - interval '2 hours'")
        expect(yield* statistics.report(3600)).toMatchObject({ groups: [], meanTimeToRecoveryMs: null })
        expect((yield* statistics.report(3 * 3600)).groups).toHaveLength(3)
      })
    )
  })
})
