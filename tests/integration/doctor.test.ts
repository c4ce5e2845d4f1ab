import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Redacted, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startApp } from "../support/app.ts"
import { bundledFFmpeg } from "../support/audio.ts"
import { startCollector } from "../support/collector.ts"
import { freshPostgres } from "../support/database.ts"

const doctor = join(import.meta.dirname, "../../src/doctor.ts")

const consult = (environment: Readonly<Record<string, string>>) =>
  new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
    const { PATH = "" } = process.env
    const child = execFile(process.execPath, [doctor], { cwd: tmpdir(), env: { PATH, PORT: "0", ...environment } }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, text: stdout + stderr }))
  })

describe("npm run doctor", () => {
  let dataDir: string
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "playhead-doctor-"))
  })
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  it("finds each thing that Playhead needs, with its version", async () => {
    const collector = await startCollector()
    const { code, text } = await consult({ PLAYHEAD_DATA_DIR: join(dataDir, "fresh"), FFMPEG_PATH: bundledFFmpeg, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    await collector.close()
    expect(text).toMatch(/^ok +Node\.js +v24\.\d+/m)
    expect(text).toMatch(/^ok +data directory +\S+fresh \(will be made\), \d+ MB free$/m)
    expect(text).toMatch(/^ok +database +embedded PostgreSQL \(PGlite\), will be made at the first start$/m)
    expect(text).toMatch(/^ok +ffmpeg +7\.0\S*, \S+ffmpeg \(FFMPEG_PATH\)$/m)
    expect(text).toMatch(/^ok +port +127\.0\.0\.1:0 is free$/m)
    expect(text).toMatch(/^ok +collector +http:\S+ takes traces$/m)
    expect(text).toMatch(/Playhead can start/)
    expect(code).toBe(0)
  })

  it("knows a PostgreSQL, and whether its tables are up to date", async () => {
    const scope = Scope.makeUnsafe()
    const url = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    const { code, text } = await consult({ PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: Redacted.value(url) })
    expect(text).toMatch(/^ok +database +PostgreSQL \d+.*, tables up to date$/m)
    expect(code).toBe(0)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("says what to do about everything that is missing, and keeps secrets", async () => {
    const { code, text } = await consult({
      PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: "postgres://me:topsecret@127.0.0.1:9/x", FFMPEG_PATH: "/nowhere/ffmpeg", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9"
    })
    expect(text).toMatch(/^MISSING database[\s\S]+→ The database server 127\.0\.0\.1:9 cannot be reached .* correct DATABASE_URL\.$/m)
    expect(text).toMatch(/^MISSING ffmpeg[\s\S]+→ .*Correct FFMPEG_PATH, or unset it/m)
    expect(text).toMatch(/^limited collector[\s\S]+→ .*OTEL_EXPORTER_OTLP_ENDPOINT/m)
    expect(text).toContain("Playhead cannot start: 2 of 7 things are missing.")
    expect(text).not.toContain("topsecret")
    expect(code).toBe(78)
  })

  it("says which settings are wrong", async () => {
    const { code, text } = await consult({ PORT: "many" })
    expect(text).toContain('PORT="many": must be a whole number from 0 to 65535')
    expect(code).toBe(78)
  })

  it("does not mind a Playhead that runs", async () => {
    const app = await startApp("pglite")
    const { code, text } = await consult({ PLAYHEAD_DATA_DIR: app.dataDir, PORT: String(app.port) })
    await app.stop()
    expect(text).toMatch(/^ok +database +.*in use by a Playhead that runs$/m)
    expect(text).toMatch(/^limited +port +127\.0\.0\.1:\d+ is in use$/m)
    expect(code).toBe(0)
  })
})
