import { describe, expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/persistence/Database.ts"
import { BlobEntity } from "../../../src/persistence/entities/BlobEntity.ts"
import { JobEntity } from "../../../src/persistence/entities/JobEntity.ts"
import { JobEventEntity } from "../../../src/persistence/entities/JobEventEntity.ts"
import { JobStageEntity } from "../../../src/persistence/entities/JobStageEntity.ts"
import { DatabaseFailure } from "../../../src/persistence/failures.ts"
import { engines, testDatabase } from "../../support/database.ts"
import { fillEveryTable } from "../../support/fillEveryTable.ts"

const at = new Date("2026-03-04T05:06:07.089Z")
const job = { kind: "IMPORT", status: "QUEUED", priority: 1, createdAt: at, updatedAt: at } as const
const until = (condition: () => boolean) =>
  Effect.sleep(5).pipe(Effect.repeat({ until: condition }), Effect.timeout("10 seconds"), Effect.orDie)

describe.each(engines)("what %s stores", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 60_000 })((it) => {
    const sql = `select 9007199254740991::int8 as safe, 9007199254740992::int8 as unsafe, count(*) as count, $1::timestamptz as at,
      '{"a":[1,null]}'::jsonb as json, array['x,y', 'z"'] as texts, array[1,-2]::int4[] as ints, 0.1::real as real, null::text as nothing, true as yes from blob`
    const row = {
      safe: 9007199254740991,
      unsafe: 9007199254740992n,
      count: 0,
      at,
      json: { a: [1, null] },
      texts: ["x,y", 'z"'],
      ints: [1, -2],
      real: 0.1,
      nothing: null,
      yes: true
    }

    it.effect("is read as the same JavaScript values, in a transaction and outside", () =>
      Effect.gen(function* () {
        const database = yield* Database
        expect(yield* database.query("test.values", sql, [at])).toEqual([row])
        expect(yield* database.transaction((tx) => tx.query(sql, [at]))).toEqual([row])
      })
    )

    it.effect("keeps an array in a JSON column an array, nothing nothing, and a default an object", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const id = crypto.randomUUID()
        yield* database.transaction((tx) =>
          Effect.promise(async () => {
            tx.em.create(JobEntity, { ...job, id, options: [] })
            tx.em.create(JobStageEntity, { jobId: id, position: 0, name: "PROBE", status: "PENDING", output: null })
            await tx.em.flush()
            await tx.em.execute(
              "insert into job_event (job_id, sequence, kind, dedupe_key, at) values (?, 1, 'JobQueuedEvent', 'q', now())",
              [id]
            )
          })
        )
        expect(
          yield* database.query(
            "test.json",
            `
          select jsonb_typeof(options) as options, job.failure is null as no_failure, output is null as no_output, jsonb_typeof(data) as data
          from job join job_stage s on s.job_id = job.id join job_event e on e.job_id = job.id where job.id = $1`,
            [id]
          )
        ).toEqual([{ options: "array", no_failure: true, no_output: true, data: "object" }])
        const event = yield* database.transaction((tx) =>
          Effect.promise(() => tx.em.findOneOrFail(JobEventEntity, { jobId: id, sequence: 1 }))
        )
        expect(event.data).toEqual({})
      })
    )

    it.effect(
      "refuses a row without its times, by whichever way it comes: nothing fills them in behind one's back",
      () =>
        Effect.gen(function* () {
          const database = yield* Database
          const insert = database.transaction((tx) =>
            // The type would not let this pass.
            Effect.promise(() => tx.em.insert(BlobEntity, { sha256: "x", sizeBytes: 1 } as unknown as BlobEntity))
          )
          const defect = yield* Effect.catchDefect(insert, (defect) => Effect.succeed(defect))
          expect(defect).toBeInstanceOf(DatabaseFailure)
          expect(defect).toMatchObject({ sqlState: "23502" })
          for (const column of yield* database.query<{ column_default: string | null }>(
            "test.defaults",
            `
          select column_default from information_schema.columns where table_schema = 'public' and column_name in ('created_at', 'updated_at', 'at')`
          )) {
            expect(column.column_default).toBeNull()
          }
        })
    )

    it.effect("goes with what it belongs to, and stays where it is only mentioned", () =>
      Effect.gen(function* () {
        const database = yield* Database
        yield* database.transaction((tx) => Effect.promise(() => fillEveryTable(tx.em)))
        yield* database.transaction((tx) =>
          tx.query("delete from track where id = '00000000-0000-7000-8001-000000000001'")
        )
        yield* database.transaction((tx) =>
          tx.query("delete from job where id = '00000000-0000-7000-8002-000000000002'")
        )
        const counts = yield* database.query(
          "test.counts",
          `select
          (select count(*) from artifact) as artifacts, (select count(*) from waveform) as waveforms, (select count(*) from fingerprint) as fingerprints,
          (select count(*) from job where id::text like '00000000%') as jobs, (select track_id from job where id = '00000000-0000-7000-8002-000000000001') as track,
          (select job_id from artifact) as artifact_job, (select count(*) from blob) as blobs`
        )
        expect(counts).toEqual([
          { artifacts: 1, waveforms: 1, fingerprints: 1, jobs: 1, track: null, artifact_job: null, blobs: 2 }
        ])
      })
    )

    it.effect("is told on commit to those who listen, as long as they do", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const heard: Array<string> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* database.listen("playhead_test", (payload) => heard.push(payload))
            expect(heard).toEqual([""])
            yield* Effect.exit(
              database.transaction((tx) => Effect.andThen(tx.notify("playhead_test", "rolled back"), Effect.fail("no")))
            )
            yield* database.transaction((tx) =>
              tx
                .notify("playhead_test", "it's 'quoted'")
                .pipe(Effect.andThen(Effect.sleep(20)), Effect.andThen(Effect.sync(() => expect(heard).toEqual([""]))))
            )
            yield* until(() => heard.length === 2)
          })
        )
        yield* database.transaction((tx) => tx.notify("playhead_test", "nobody listens"))
        yield* Effect.sleep(50)
        expect(heard).toEqual(["", "it's 'quoted'"])
      })
    )

    it.effect("has its health told: how long an answer takes and how its pool is", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const { latencyMs, pool } = yield* database.health
        expect(latencyMs).toBeGreaterThan(0)
        expect(latencyMs).toBeLessThan(1000)
        expect(pool).toEqual({
          total: expect.any(Number),
          idle: expect.any(Number),
          waiting: 0,
          limit: engine === "pglite" ? 1 : 4
        })
        expect(pool.idle).toBeGreaterThan(0)
      })
    )
  })
})
