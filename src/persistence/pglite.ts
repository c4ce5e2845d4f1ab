import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { PGlite } from "@electric-sql/pglite"
import { dataDir as emptyDatabase } from "@electric-sql/pglite-prepopulatedfs"
import { MikroORM } from "@mikro-orm/pglite"
import { Effect } from "effect"
import { fromPglite } from "pg-boss"
import { lockFile } from "./dataDirectoryLock.ts"
import { type Engine, ormOptions } from "./engine.ts"
import { DatabaseStartError } from "./failures.ts"
import { presenceKey } from "./notifications.ts"

interface PgliteSettings {
  readonly dataDir: string
  readonly template: Blob | undefined
}

const inMemory = "memory://"

/** The embedded database: PostgreSQL compiled to WebAssembly, with one connection, in a directory that is this process's alone. */
export const openPglite = Effect.fn("openPglite")(function* (settings: PgliteSettings) {
  const pglite = yield* settings.dataDir === inMemory
    ? open(
        async () => PGlite.create({ dataDir: inMemory, loadDataDir: settings.template ?? (await emptyDatabase()) }),
        inMemory
      )
    : openDirectory(settings.dataDir)
  const orm = yield* Effect.acquireRelease(
    Effect.promise(() => MikroORM.init({ ...ormOptions, dbName: inMemory, driverOptions: { pglite } })),
    (orm) => Effect.promise(() => orm.close(true))
  )
  const kysely = orm.em.getKysely()
  const queue = fromPglite(pglite)
  let callers = 0
  /** The one connection, when no transaction has it and nobody else: a failed script of the queue is rolled back before others go on. */
  const exclusively = async <A>(use: () => Promise<A>): Promise<A> => {
    callers++
    try {
      return await kysely.connection().execute(use)
    } finally {
      callers--
    }
  }

  return {
    name: "pglite" as const,
    orm,
    pglite,
    query: (_name, sql, params) => exclusively(async () => (await pglite.query<object>(sql, [...params])).rows),
    executeSql: (text, values) => exclusively(() => queue.executeSql(text, values === undefined ? [] : [...values])),
    listen: (channel, onMessage) =>
      Effect.acquireRelease(
        Effect.promise(() => pglite.listen(channel, onMessage)),
        (unlisten) => Effect.promise(() => unlisten())
      ).pipe(Effect.andThen(Effect.sync(() => onMessage("")))),
    bePresent: (name) => Effect.promise(() => exclusively(() => pglite.query(`select pg_advisory_lock_shared(${presenceKey("$1")})`, [name]))).pipe(Effect.asVoid),
    pool: () => ({ total: 1, idle: callers === 0 ? 1 : 0, waiting: Math.max(0, callers - 1), limit: 1 }),
    // The directory is locked, and a database in memory is nobody else's.
    whileMigrating: (migrate) => migrate()
  } satisfies Engine & { pglite: PGlite }
})

const unusable = (path: string, cause: unknown) =>
  new DatabaseStartError({
    reason: "DATA_DIRECTORY",
    message: `The data directory ${path} cannot be used (${cause instanceof Error ? cause.message : String(cause)}); make it writable or set PLAYHEAD_DATA_DIR to another`,
    cause
  })

const open = (create: () => Promise<PGlite>, path: string) =>
  Effect.acquireRelease(Effect.tryPromise({ try: create, catch: (cause) => unusable(path, cause) }), (pglite) =>
    Effect.promise(() => pglite.close())
  )

/** With its parents. Node's own `recursive` never returns where a file system answers ENOENT to mkdir, as /proc does. */
const makeDirectory = (path: string): void => {
  if (existsSync(path)) return
  makeDirectory(dirname(resolve(path)))
  mkdirSync(path)
}

const openDirectory = Effect.fnUntraced(function* (dataDir: string) {
  const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (cause) => unusable(dataDir, cause) })
  yield* attempt(() => makeDirectory(dataDir))
  const release = yield* Effect.acquireRelease(
    attempt(() => lockFile(join(dataDir, "pglite.lock"))),
    (release) => Effect.sync(() => release?.())
  )
  if (release === undefined) {
    return yield* new DatabaseStartError({
      reason: "LOCKED",
      message: `The data directory ${dataDir} is in use by another process; stop it, or set PLAYHEAD_DATA_DIR to another`
    })
  }

  const path = join(dataDir, "pglite")
  // Unpacking an empty database takes a second, making one five. A start that was cut off while it unpacked left the mark.
  const unpacking = join(dataDir, "pglite.unpacking")
  yield* attempt(() => {
    if (existsSync(unpacking)) rmSync(path, { recursive: true, force: true })
    if (!existsSync(path)) writeFileSync(unpacking, "")
  })
  const pglite = yield* open(
    async () =>
      PGlite.create({ dataDir: path, ...(existsSync(unpacking) ? { loadDataDir: await emptyDatabase() } : {}) }),
    dataDir
  )
  yield* attempt(() => rmSync(unpacking, { force: true }))
  return pglite
})
