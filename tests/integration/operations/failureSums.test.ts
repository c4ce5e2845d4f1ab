import { describe, expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { addSql, forgetSql, reportSql } from "../../../src/operations/failures/statements.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { engines, testDatabase } from "../../support/database.ts"

const hourMs = 3_600_000
const keptSeconds = 35 * 86_400
const now = Date.parse("2026-03-29T03:17:42.123Z")

/** A statement as it would be at another time. */
const at = (sql: string, time: number) => {
  const moved = sql.replaceAll("clock_timestamp()", `'${new Date(time).toISOString()}'::timestamptz`)
  expect(moved).not.toBe(sql)
  return moved
}

interface Told {
  readonly key: string
  readonly failures: ReadonlyArray<{ readonly handled: boolean; readonly jobId: string | null }>
  readonly recoveries: ReadonlyArray<number>
}

const jobId = fc.option(fc.constantFrom(..."12345".split("").map((n) => `00000000-0000-7000-8000-00000000000${n}`)))
const told: fc.Arbitrary<Told> = fc.record({
  key: fc.constantFrom("STORAGE_FAILED|STORE|", "PROVIDER_FAILED||itunes", "PROVIDER_FAILED|ENHANCE|rnnoise", "INTERNAL||"),
  failures: fc.array(fc.record({ handled: fc.boolean(), jobId }), { maxLength: 3 }),
  recoveries: fc.array(fc.nat(100_000), { maxLength: 2 })
}).filter(({ failures, recoveries }) => failures.length + recoveries.length > 0)

/** How long ago, often right at the edge of an hour or of a minute. */
const edge = fc.constantFrom(0, 1, 59_999, 60_000, hourMs / 2, hourMs - 60_000, hourMs - 1)
const ago = (hours: number) => fc.tuple(fc.nat(hours), fc.oneof(edge, fc.nat(hourMs - 1))).map(([hour, ms]) => Math.max(0, (now % hourMs) + hour * hourMs - ms))
/** What a node writes at once. */
const writes = fc.array(fc.record({ agoMs: fc.oneof(ago(3), ago(30), ago(36 * 24)), sums: fc.uniqueArray(told, { selector: ({ key }) => key, minLength: 1 }) }), { minLength: 1, maxLength: 12 })
/** In seconds, often such that one begins with an hour, or a minute before or after. */
const begin = fc.tuple(fc.nat(3), fc.constantFrom(16, 17, 18)).map(([hours, minutes]) => hours * 3600 + minutes * 60)
const windows = fc.array(fc.oneof(begin, fc.constantFrom(1, 60, 3600, 86_400, keptSeconds), fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: keptSeconds })), { minLength: 1, maxLength: 6 })
type Write = typeof writes extends fc.Arbitrary<ReadonlyArray<infer W>> ? W : never

const write = ({ agoMs, sums }: Write) =>
  Effect.flatMap(Database, (database) =>
    database.query("", at(addSql, now - agoMs), [
      ...[0, 1, 2].map((part) => sums.map(({ key }) => key.split("|")[part])),
      sums.map(({ failures }) => failures.length),
      sums.map(({ failures }) => failures.filter(({ handled }) => !handled).length),
      sums.map(({ recoveries }) => recoveries.length),
      sums.map(({ recoveries }) => recoveries.reduce((sum, ms) => sum + ms, 0)),
      sums.map(({ failures }) => failures.findLast(({ jobId }) => jobId !== null)?.jobId ?? null)
    ], { prepared: false }))

const report = (lastSeconds: number) => Effect.flatMap(Database, (database) => database.query<Record<string, unknown>>("", at(reportSql, now), [lastSeconds], { prepared: false }))

/** The same, by going through every single failure and recovery. */
const counted = (all: ReadonlyArray<Write>, lastSeconds: number) => {
  const from = Math.floor((now - lastSeconds * 1000) / 60_000) * 60_000
  const within = all.map(({ agoMs, sums }) => ({ at: now - agoMs, sums })).filter(({ at }) => at >= from)
  const keys = new Set(within.flatMap(({ sums }) => sums.map(({ key }) => key)))
  const groups = [...keys].map((key) => {
    const mine = within.flatMap(({ at, sums }) => sums.filter((sum) => sum.key === key).map((sum) => ({ at, ...sum })))
    const failures = mine.flatMap(({ failures }) => failures)
    const recoveries = mine.flatMap(({ recoveries }) => recoveries)
    const failing = mine.filter(({ failures }) => failures.length > 0)
    const samples = mine.map(({ failures }) => failures.findLast(({ jobId }) => jobId !== null)?.jobId ?? "").toSorted()
    const [code, stage, provider] = key.split("|")
    return {
      code, stage, provider,
      count: failures.length,
      unhandled: failures.filter(({ handled }) => !handled).length,
      recovered: recoveries.length,
      recovery_ms: recoveries.reduce((sum, ms) => sum + ms, 0),
      last_seen_at: new Date(Math.max(...(failing.length > 0 ? failing : mine).map(({ at }) => at))),
      sample_job_id: samples.at(-1) || null,
      from: new Date(from),
      to: new Date(now)
    }
  })
  return byName(groups)
}

const nameOf = (row: Record<string, unknown>) => [row["code"], row["stage"], row["provider"]].join("|")
const byName = (rows: ReadonlyArray<Record<string, unknown>>) => rows.filter(({ code }) => code !== null).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

describe.each(engines)("a report of failures on %s", (engine) => {
  layer(testDatabase(engine), { excludeTestServices: true, timeout: 180_000 })((it) => {
    it.effect("says what counting every single one says, for any window, while nodes write at once and old sums go", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const run = Effect.runPromiseWith(yield* Effect.context<Database>())
        const holds = fc.asyncProperty(writes, windows, (all, windowsSeconds) =>
          run(Effect.gen(function* () {
            yield* database.query("", "with hours as (delete from failure_hour) delete from failure_minute", [], { prepared: false })
            yield* Effect.forEach(all, write, { concurrency: "unbounded" })
            const asked = Effect.forEach(windowsSeconds, report)
            const expected = windowsSeconds.map((seconds) => counted(all, seconds))
            expect((yield* asked).map(byName)).toEqual(expected)
            yield* database.query("", at(forgetSql, now), [], { prepared: false })
            expect((yield* asked).map(byName)).toEqual(expected)
          })))
        yield* Effect.promise(() => fc.assert(holds, { numRuns: engine === "pglite" ? 30 : 80 }))
      })
    )

    it.effect("forgets what no report may ask for", () =>
      Effect.gen(function* () {
        const database = yield* Database
        yield* write({ agoMs: 37 * 24 * hourMs, sums: [{ key: "INTERNAL||", failures: [{ handled: false, jobId: null }], recoveries: [] }] })
        yield* database.query("", at(forgetSql, now), [], { prepared: false })
        const left = yield* database.query("", "select hour as at from failure_hour union all select minute from failure_minute order by 1 limit 1", [], { prepared: false }) as Effect.Effect<ReadonlyArray<{ at: Date }>>
        for (const { at } of left) expect(at.getTime()).toBeGreaterThan(now - 37 * 24 * hourMs + hourMs)
      })
    )
  })
})
