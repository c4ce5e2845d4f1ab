import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/persistence/Database.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "playhead-data-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const open = (dataDir: string) =>
  Database.layer({ url: undefined, dataDir, poolSize: 1, statementTimeoutMs: 15_000, migrate: true })

const remember = (sha256: string) =>
  Effect.flatMap(Database, (database) =>
    database.transaction((tx) =>
      tx.query("insert into blob (sha256, size_bytes, created_at) values ($1, 1, now())", [sha256])
    )
  )
const remembered = Effect.flatMap(Database, (database) =>
  database.query("test.blobs", "select sha256 from blob order by 1")
)

/** Another process that has the directory open and says so. */
const holder = Effect.fnUntraced(function* (dataDir: string) {
  const program = `
    import { Effect, Layer } from "effect"
    import { Database } from "${new URL("../../../src/persistence/Database.ts", import.meta.url)}"
    const layer = Database.layer({ url: undefined, dataDir: ${JSON.stringify(dataDir)}, poolSize: 1, statementTimeoutMs: 15000, migrate: true })
    const program = Effect.gen(function*() {
      const database = yield* Database
      yield* database.transaction((tx) => tx.query("insert into blob (sha256, size_bytes, created_at) values ('kept', 1, now())"))
      console.log("ready")
      yield* Effect.never
    })
    Effect.runFork(Effect.provide(program, layer))`
  return yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program], {
        cwd: process.cwd(),
        stdio: ["ignore", "pipe", "inherit"]
      })
      await once(child.stdout, "data")
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
})

/** Several starts of the embedded database, on a machine that may be busy. */
const startsWithinMs = 120_000

describe("the data directory of the embedded database", () => {
  it.live(
    "keeps what was written, from one start to the next",
    () =>
      Effect.gen(function* () {
        const dataDir = join(yield* directory, "made", "on demand")
        yield* Effect.provide(remember("a"), open(dataDir))
        yield* Effect.provide(remember("b"), open(dataDir))
        expect(yield* Effect.provide(remembered, open(dataDir))).toEqual([{ sha256: "a" }, { sha256: "b" }])
      }).pipe(Effect.scoped),
    startsWithinMs
  )

  it.live(
    "is one process's at a time, and free again, with all that was committed, when that was killed",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* directory
        const child = yield* holder(dataDir)
        expect(yield* Effect.flip(Effect.provide(remembered, open(dataDir)))).toMatchObject({
          _tag: "DatabaseStartError",
          reason: "LOCKED",
          message: `The data directory ${dataDir} is in use by another process; stop it, or set PLAYHEAD_DATA_DIR to another`
        })
        child.kill("SIGKILL")
        yield* Effect.promise(() => once(child, "exit"))
        expect(yield* Effect.provide(remembered, open(dataDir))).toEqual([{ sha256: "kept" }])
      }).pipe(Effect.scoped),
    startsWithinMs
  )

  it.live(
    "is opened once in one process, too",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* directory
        const again = Effect.flip(Effect.provide(remembered, open(dataDir)))
        expect(yield* Effect.provide(Effect.andThen(Database, again), open(dataDir))).toMatchObject({
          reason: "LOCKED"
        })
      }).pipe(Effect.scoped),
    startsWithinMs
  )

  it.live(
    "is made anew when the first start was cut off before it was done",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* directory
        yield* Effect.provide(remember("gone"), open(dataDir))
        rmSync(join(dataDir, "pglite", "global"), { recursive: true })
        writeFileSync(join(dataDir, "pglite.unpacking"), "")
        expect(yield* Effect.provide(remembered, open(dataDir))).toEqual([])
        expect(existsSync(join(dataDir, "pglite.unpacking"))).toBe(false)
      }).pipe(Effect.scoped),
    startsWithinMs
  )

  it.live(
    "is left alone when it is damaged, with a message that names it",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* directory
        yield* Effect.provide(remember("here"), open(dataDir))
        rmSync(join(dataDir, "pglite", "global", "pg_control"))
        expect(yield* Effect.flip(Effect.provide(remembered, open(dataDir)))).toMatchObject({
          reason: "DATA_DIRECTORY",
          message: expect.stringContaining(dataDir)
        })
        expect(existsSync(join(dataDir, "pglite", "base"))).toBe(true)
      }).pipe(Effect.scoped),
    startsWithinMs
  )

  it.live(
    "must be writable",
    () =>
      Effect.gen(function* () {
        const parent = yield* directory
        // A file in its place stops root, whom no permission stops.
        writeFileSync(join(parent, "file"), "")
        chmodSync(parent, 0o500)
        const failure = yield* Effect.flip(Effect.provide(remembered, open(join(parent, "file", "data"))))
        expect(failure).toMatchObject({
          reason: "DATA_DIRECTORY",
          message: expect.stringMatching(
            /^The data directory .* cannot be used \(.*\); make it writable or set PLAYHEAD_DATA_DIR to another$/
          )
        })
      }).pipe(Effect.scoped),
    startsWithinMs
  )
})
