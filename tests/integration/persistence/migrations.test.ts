import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { migrations } from "../../../migrations/index.ts"
import { entities } from "../../../src/persistence/entities/index.ts"
import type { Engine } from "../../../src/persistence/engine.ts"
import { migrateDown, migrateUp, migrationStatus } from "../../../src/persistence/migrating.ts"
import { openEngine } from "../../../src/persistence/openEngine.ts"
import { engines, type EngineName, freshPostgres } from "../../support/database.ts"
import { fillEveryTable } from "../../support/fillEveryTable.ts"

const names = migrations.map(({ name }) => name)

/** An engine on a database without any table. */
const empty = Effect.fnUntraced(function* (engine: EngineName) {
  const url = engine === "postgres" ? yield* freshPostgres("template1") : undefined
  return yield* openEngine({ url, dataDir: "memory://", poolSize: 2, statementTimeoutMs: 15_000 })
})

const sql = (engine: Engine, text: string) => Effect.promise(() => engine.query("", text, []))
const ownTables = (engine: Engine) =>
  sql(engine, "select tablename from pg_tables where schemaname = 'public' and tablename <> 'migration' order by 1")

/** All that the catalogue tells of the tables, to compare before with after. */
const catalogue = (engine: Engine) =>
  Effect.all([
    sql(
      engine,
      "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns where table_schema = 'public' order by 1, 2"
    ),
    sql(
      engine,
      "select conrelid::regclass::text as of, conname, pg_get_constraintdef(oid) as def from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2"
    ),
    sql(engine, "select indexdef from pg_indexes where schemaname = 'public' order by 1")
  ])

const downAll = (engine: Engine) => Effect.forEach(names, () => migrateDown(engine))

/** A start of the embedded database and much reading of catalogues, on a machine that may be busy. */
const withinMs = 120_000

describe.each(engines)("migrations on %s", (name) => {
  it.live(
    "make the tables that the entities describe, and nothing else",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* migrateUp(engine)
        expect(yield* Effect.promise(() => engine.orm.schema.getUpdateSchemaSQL())).toBe("")
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "notice an entity that the tables lag behind",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* migrateUp(engine)
        for (const change of [
          "alter table track drop column language",
          "drop index fingerprint_terms_index",
          "alter table job drop constraint job_kind_check",
          "alter table job alter column attempt drop default",
          "alter table artifact drop constraint artifact_track_id_foreign",
          "alter table job_event alter column at type timestamptz(6)"
        ]) {
          const before = yield* Effect.promise(() => engine.orm.schema.getUpdateSchemaSQL())
          yield* sql(engine, change)
          const after = yield* Effect.promise(() => engine.orm.schema.getUpdateSchemaSQL())
          expect({ change, noticed: after !== before }).toEqual({ change, noticed: true })
        }
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "go up, down and up again on an empty database, and say how far they are",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        expect(yield* migrationStatus(engine)).toEqual(names.map((name) => ({ name, appliedAt: undefined })))
        expect(yield* migrateUp(engine)).toEqual(names)
        const first = yield* catalogue(engine)
        expect((yield* migrationStatus(engine)).map(({ appliedAt }) => appliedAt)).toEqual(
          names.map(() => expect.any(Date))
        )
        expect(yield* migrateUp(engine)).toEqual([])

        expect((yield* downAll(engine)).flat()).toEqual(names.toReversed())
        expect(yield* ownTables(engine)).toEqual([])
        expect(yield* migrateDown(engine)).toEqual([])

        expect(yield* migrateUp(engine)).toEqual(names)
        expect(yield* catalogue(engine)).toEqual(first)
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "go up, down and up again on a database with rows in every table",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* migrateUp(engine)
        const first = yield* catalogue(engine)
        yield* Effect.promise(() => fillEveryTable(engine.orm.em.fork()))
        for (const { meta } of entities) {
          expect(
            yield* sql(engine, `select '${meta.tableName}' as name, count(*) > 0 as filled from "${meta.tableName}"`)
          ).toEqual([{ name: meta.tableName, filled: true }])
        }
        yield* downAll(engine)
        expect(yield* ownTables(engine)).toEqual([])
        yield* migrateUp(engine)
        expect(yield* catalogue(engine)).toEqual(first)
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "keep every track of a filled library to be found by its words, there and back, and learn the words of new ones",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* migrateUp(engine)
        yield* Effect.promise(() => fillEveryTable(engine.orm.em.fork()))
        const words = yield* sql(engine, "select id, words::text from track_words order by id")
        expect(words).toEqual(yield* sql(engine, "select id, track_search(title, artist, album, album_artist, genres, tags)::text as words from track order by id"))
        expect(words.length).toBeGreaterThan(0)

        while ((yield* sql(engine, "select 1 from pg_tables where tablename = 'track_words'")).length > 0) yield* migrateDown(engine)
        expect(yield* sql(engine, "select id, search::text as words from track order by id")).toEqual(words)
        yield* migrateUp(engine)
        expect(yield* sql(engine, "select id, words::text from track_words order by id")).toEqual(words)

        yield* sql(engine, "update track set title = 'Hippopotamus'")
        expect(yield* sql(engine, "select count(*)::int as found from track_words where words @@ 'hippopotamus'")).toEqual([{ found: words.length }])
        expect(yield* sql(engine, "select count(*)::int as learnt from search_gram where gram = 'hip' and word = 'hippopotamus'")).toEqual([{ learnt: 1 }])
        yield* sql(engine, "delete from track")
        expect(yield* sql(engine, "select id from track_words")).toEqual([])
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "sum up by the hour what had been summed up by the minute, there and back",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* migrateUp(engine)
        while ((yield* sql(engine, "select 1 from pg_tables where tablename = 'failure_hour'")).length > 0) yield* migrateDown(engine)
        yield* sql(engine, `insert into failure_minute values
          ('2026-01-01T10:00:00Z', 'TIMED_OUT', 'PROBE', '', 2, 1, 1, 20, '2026-01-01T10:00:30Z', '00000000-0000-7000-8000-000000000001'),
          ('2026-01-01T10:59:00Z', 'TIMED_OUT', 'PROBE', '', 0, 0, 1, 10, '2026-01-01T10:59:30Z', null),
          ('2026-01-01T11:00:00Z', 'TIMED_OUT', 'PROBE', '', 5, 0, 0, 0, '2026-01-01T11:00:01Z', null),
          ('2026-01-01T11:00:00Z', 'INTERNAL', '', 'itunes', 0, 0, 1, 7, '2026-01-01T11:00:02Z', null)`)
        const minutes = yield* sql(engine, "select * from failure_minute order by minute, code")
        yield* migrateUp(engine)
        expect(yield* sql(engine, "select hour, code, stage, provider, count, unhandled, recovered, recovery_ms, last_seen_at, sample_job_id from failure_hour order by hour, code")).toEqual([
          { hour: new Date("2026-01-01T10:00:00Z"), code: "TIMED_OUT", stage: "PROBE", provider: "", count: 2, unhandled: 1, recovered: 2, recovery_ms: 30, last_seen_at: new Date("2026-01-01T10:00:30Z"), sample_job_id: "00000000-0000-7000-8000-000000000001" },
          { hour: new Date("2026-01-01T11:00:00Z"), code: "INTERNAL", stage: "", provider: "itunes", count: 0, unhandled: 0, recovered: 1, recovery_ms: 7, last_seen_at: new Date("2026-01-01T11:00:02Z"), sample_job_id: null },
          { hour: new Date("2026-01-01T11:00:00Z"), code: "TIMED_OUT", stage: "PROBE", provider: "", count: 5, unhandled: 0, recovered: 0, recovery_ms: 0, last_seen_at: new Date("2026-01-01T11:00:01Z"), sample_job_id: null }
        ])
        while ((yield* sql(engine, "select 1 from pg_tables where tablename = 'failure_hour'")).length > 0) yield* migrateDown(engine)
        expect(yield* sql(engine, "select * from failure_minute order by minute, code")).toEqual(minutes)
      }).pipe(Effect.scoped),
    withinMs
  )

  it.live(
    "leave the database as it was when one of them fails",
    () =>
      Effect.gen(function* () {
        const engine = yield* empty(name)
        yield* sql(engine, "create table waveform (in_the_way int)")
        const failure = yield* Effect.flip(migrateUp(engine))
        expect(failure).toMatchObject({
          _tag: "DatabaseStartError",
          reason: "MIGRATION",
          message: expect.stringMatching(
            /^The database could not be migrated and is as it was: .*"waveform" already exists/
          )
        })
        expect(yield* ownTables(engine)).toEqual([{ tablename: "waveform" }])
      }).pipe(Effect.scoped),
    withinMs
  )
})

describe("processes that start together on PostgreSQL", () => {
  it.live(
    "apply each migration once",
    () =>
      Effect.gen(function* () {
        const url = yield* freshPostgres("template1")
        const start = Effect.scoped(
          Effect.flatMap(openEngine({ url, dataDir: "memory://", poolSize: 2, statementTimeoutMs: 15_000 }), migrateUp)
        )
        const applied = yield* Effect.all([start, start, start, start], { concurrency: "unbounded" })
        expect(applied.flat()).toEqual(names)
      }).pipe(Effect.scoped),
    withinMs
  )
})
