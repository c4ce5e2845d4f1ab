/** Looks at what Playhead needs, one thing after the other, and puts nothing right by itself. */
import { existsSync } from "node:fs"
import { access, constants, statfs } from "node:fs/promises"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { Effect, type Redacted } from "effect"
import { diesWithParent, findProgram } from "../../audio/ffmpeg/program.ts"
import { migrationStatus } from "../../persistence/migrating.ts"
import { openEngine } from "../../persistence/openEngine.ts"
import { diskState } from "../checks.ts"
import type { Finding } from "./Finding.ts"

export interface Patient {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly databaseUrl: Redacted.Redacted<string> | undefined
  readonly ffmpegPath: string | undefined
  readonly otlpEndpoint: string | undefined
}

const oldestNode = 24

export const nodeFinding = (version: string): Finding =>
  Number.parseInt(version.replace(/^v/u, ""), 10) >= oldestNode
    ? { name: "Node.js", state: "fit", found: version }
    : { name: "Node.js", state: "missing", found: version, advice: `Playhead needs Node.js ${oldestNode}; npm start uses the one that npm ci installs beside it.` }

/** The nearest directory above a path that is there. */
const existing = (path: string): string => (existsSync(path) || dirname(path) === path ? path : existing(dirname(path)))

const dataDirectory = Effect.fnUntraced(function*(dataDir: string) {
  const there = existing(dataDir)
  const writable = yield* Effect.option(Effect.tryPromise(() => access(there, constants.R_OK | constants.W_OK | constants.X_OK)))
  if (writable._tag === "None") {
    return { name: "data directory", state: "missing", found: dataDir, advice: `This user may not write to ${there}: change its owner, or set PLAYHEAD_DATA_DIR to another directory.` } satisfies Finding
  }
  const { bavail, bsize } = yield* Effect.promise(() => statfs(there))
  const disk = diskState(bavail * bsize)
  return {
    name: "data directory",
    state: disk.status === "HEALTHY" ? "fit" : "limited",
    found: `${dataDir}${there === dataDir ? "" : " (will be made)"}, ${disk.message}`,
    advice: disk.status === "HEALTHY" ? undefined : "Imports are likely to fail soon: make room, or set PLAYHEAD_DATA_DIR to a larger disk."
  } satisfies Finding
})

const database = Effect.fnUntraced(function*({ databaseUrl, dataDir }: Patient) {
  const name = "database"
  if (databaseUrl === undefined && !existsSync(join(dataDir, "pglite"))) {
    return { name, state: "fit", found: "embedded PostgreSQL (PGlite), will be made at the first start" } satisfies Finding
  }
  return yield* Effect.gen(function*() {
    const engine = yield* openEngine({ url: databaseUrl, dataDir, poolSize: 1, statementTimeoutMs: 15_000 })
    const [row] = (yield* Effect.promise(() => engine.query("doctor.version", "select current_setting('server_version') as version", []))) as ReadonlyArray<{ readonly version: string }>
    const missing = (yield* migrationStatus(engine)).filter(({ appliedAt }) => appliedAt === undefined)
    return {
      name,
      state: "fit",
      found: `${engine.name === "pglite" ? "embedded PostgreSQL (PGlite)" : "PostgreSQL"} ${row?.version ?? ""}, ${missing.length === 0 ? "tables up to date" : `${missing.length} migrations to apply, which the start does`}`
    } satisfies Finding
  }).pipe(
    Effect.scoped,
    Effect.catchTag("DatabaseStartError", ({ message, reason }) =>
      Effect.succeed<Finding>(
        reason === "LOCKED"
          ? { name, state: "fit", found: "embedded PostgreSQL (PGlite), in use by a Playhead that runs" }
          : { name, state: "missing", found: "not usable", advice: `${message}.` }
      ))
  )
})

const ffmpeg = (configured: string | undefined) =>
  findProgram(configured).pipe(
    Effect.map(({ origin, path, version }): Finding => ({
      name: "ffmpeg",
      state: origin === "BUNDLED" ? "limited" : "fit",
      found: `${version}, ${path} (${origin})`,
      advice: origin === "BUNDLED" ? "The bundled ffmpeg gets no security fixes: install the distribution's (Debian: apt install ffmpeg), or set FFMPEG_PATH." : undefined
    })),
    Effect.catchTag("FFmpegStartError", ({ message }) => Effect.succeed<Finding>({ name: "ffmpeg", state: "missing", found: "not usable", advice: message }))
  )

const orphans = Effect.map(diesWithParent, (words): Finding =>
  words.length > 0
    ? { name: "setpriv", state: "fit", found: words[0] ?? "" }
    : {
      name: "setpriv",
      state: "limited",
      found: "not usable here",
      advice: "After a kill -9 of Playhead its ffmpeg would run to its end. On Linux, install util-linux (Debian: apt install util-linux)."
    })

const port = ({ host, port: number }: Patient) =>
  Effect.callback<Finding>((resume) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => {
      resume(Effect.succeed(
        error.code === "EADDRINUSE"
          ? { name: "port", state: "limited", found: `${host}:${number} is in use`, advice: "If that is not a Playhead that you started, end it or set PORT to another number." }
          : { name: "port", state: "missing", found: `${host}:${number} cannot be listened on (${error.code ?? error.message})`, advice: "Set HOST to an address of this machine and PORT to a number above 1023." }
      ))
    })
    server.listen(number, host, () => server.close(() => resume(Effect.succeed({ name: "port", state: "fit", found: `${host}:${number} is free` }))))
    return Effect.sync(() => server.close())
  })

const collector = (endpoint: string) =>
  Effect.tryPromise((signal) =>
    // oxlint-disable-next-line no-restricted-globals -- the address is the operator's own, from the configuration, and usually a private one
    fetch(`${endpoint.replace(/\/+$/u, "")}/v1/traces`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"resourceSpans":[]}', signal })
  ).pipe(
    Effect.timeout("5 seconds"),
    Effect.map(({ status }): Finding =>
      status < 400
        ? { name: "collector", state: "fit", found: `${endpoint} takes traces` }
        : { name: "collector", state: "limited", found: `${endpoint} answers ${status}`, advice: "Correct OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_HEADERS; until then traces and metrics are dropped." }),
    Effect.catch(() =>
      Effect.succeed<Finding>({ name: "collector", state: "limited", found: `${endpoint} does not answer`, advice: "Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT; until then traces and metrics are dropped." }))
  )

/** Everything that is needed by whoever is configured so. */
export const examine = (patient: Patient): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.all([
    Effect.succeed(nodeFinding(process.version)),
    dataDirectory(patient.dataDir),
    database(patient),
    ffmpeg(patient.ffmpegPath),
    orphans,
    port(patient),
    ...(patient.otlpEndpoint === undefined ? [] : [collector(patient.otlpEndpoint)])
  ])
