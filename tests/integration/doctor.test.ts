import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Redacted, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startApp } from "../support/app.ts"
import { bundledFFmpeg } from "../support/audio.ts"
import { startCollector } from "../support/collector.ts"
import { freshPostgres } from "../support/database.ts"
import { testTracker } from "../support/errorTracker.ts"
import { startS3Server } from "../support/s3Server.ts"
import { bytes, startSourceServer } from "../support/sourceServer.ts"
import { wienerModel } from "../support/speechModels.ts"

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
    expect(text).toMatch(/^- +blobs +S3_BUCKET is not set/m)
    for (const setting of ["YTDLP_PATH", "DENOISER_MODEL_PATH", "ITUNES_BASE_URL", "SENTRY_DSN"]) expect(text).toMatch(new RegExp(`^- .*${setting} is not set`, "m"))
    expect(text).toMatch(/Playhead can work/)
    expect(code).toBe(0)
  })

  it("knows a PostgreSQL, and whether its tables are up to date", async () => {
    const scope = Scope.makeUnsafe()
    const url = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    const { code, text } = await consult({ PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: Redacted.value(url) })
    expect(text).toMatch(/^ok +database +PostgreSQL \d+.*, tables up to date$/m)
    expect(code).toBe(0)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }, 60_000)

  it("says what to do about everything that is missing, and keeps secrets", async () => {
    const { code, text } = await consult({
      PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: "postgres://me:topsecret@127.0.0.1:9/x", FFMPEG_PATH: "/nowhere/ffmpeg", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9"
    })
    expect(text).toMatch(/^MISSING database[\s\S]+→ The database server 127\.0\.0\.1:9 cannot be reached .* correct DATABASE_URL\.$/m)
    expect(text).toMatch(/^MISSING ffmpeg[\s\S]+→ .*Correct FFMPEG_PATH, or unset it/m)
    expect(text).toMatch(/^limited collector[\s\S]+→ .*OTEL_EXPORTER_OTLP_ENDPOINT/m)
    expect(text).toContain("Playhead cannot work: 2 of 12 things are missing.")
    expect(text).not.toContain("topsecret")
    expect(code).toBe(78)
  })

  describe("where everything is set up", () => {
    const scope = Scope.makeUnsafe()
    const within = <A>(effect: Effect.Effect<A, never, Scope.Scope>) => Effect.runPromise(Effect.provideService(effect, Scope.Scope, scope))
    let s3: Awaited<ReturnType<typeof startS3Server>>
    let ytdlp: string
    beforeAll(async () => {
      s3 = await startS3Server()
      ytdlp = join(dataDir, "yt-dlp")
      await writeFile(ytdlp, `#!/bin/sh\n[ "$1" = --version ] && echo 2026.11.01\n`, { mode: 0o755 })
    })
    afterAll(async () => {
      await s3.close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    })
    const bucketSettings = (secret = "S3RVER") => ({
      S3_BUCKET: s3.settings.bucket, S3_ENDPOINT: s3.endpoint, S3_REGION: s3.settings.region, S3_ACCESS_KEY_ID: s3.settings.accessKeyId, S3_SECRET_ACCESS_KEY: secret, S3_PREFIX: "mine/"
    })

    it("asks each of them whether it works, and leaves nothing behind", async () => {
      const tracker = await within(testTracker)
      const collector = await startCollector()
      const catalogue = await startSourceServer({ "/search": bytes(`{"resultCount":0,"results":[]}`) })
      const { code, text } = await consult({
        PLAYHEAD_DATA_DIR: dataDir, YTDLP_PATH: ytdlp, DENOISER_MODEL_PATH: await wienerModel(0.3), ITUNES_BASE_URL: catalogue.url("/"), SENTRY_DSN: tracker.dsn,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: "x-key=hush", ...bucketSettings()
      })
      await collector.close()
      await catalogue.close()
      expect(text).toMatch(/^ok +blobs +bucket playhead at http:\S+: written, read and removed$/m)
      expect(text).toMatch(/^ok +yt-dlp +2026\.11\.01, \S+yt-dlp$/m)
      expect(text).toMatch(/^ok +denoising model +\S+, 16000 Hz$/m)
      expect(text).toMatch(/^ok +catalogue +http:\S+ looks up songs$/m)
      expect(text).toMatch(/^ok +error tracker +http:\S+ takes reports$/m)
      expect(text).toMatch(/^ok +collector +http:\S+ takes traces$/m)
      expect(collector.headers[0]).toMatchObject({ "x-key": "hush" })
      expect(tracker.requests).toHaveLength(1)
      expect(tracker.events).toEqual([])
      const [put, get, remove, ...more] = s3.requests
      expect(more).toEqual([])
      expect([put, get, remove].map((each) => each?.replace(/-[0-9a-f-]+/u, "-")).join(" ")).toMatch(/^PUT (\S+) GET \1 DELETE \1$/u)
      expect(put).toContain("/playhead/mine/doctor-")
      expect(code).toBe(0)
    }, 60_000)

    it("says of each what to do when it does not, and keeps its secrets", async () => {
      const garbage = join(dataDir, "garbage.onnx")
      await writeFile(garbage, "no model")
      const catalogue = await startSourceServer({ "/search": bytes("<html>another service</html>") })
      const tracker = await within(testTracker)
      tracker.misbehave = (_request, response) => response.writeHead(403).end()
      const guarded = await startCollector((_request, response) => response.writeHead(401).end())
      s3.requests.length = 0
      const { code, text } = await consult({
        PLAYHEAD_DATA_DIR: dataDir, YTDLP_PATH: join(dataDir, "nothing"), DENOISER_MODEL_PATH: garbage, ITUNES_BASE_URL: catalogue.url("/"), SENTRY_DSN: tracker.dsn.replace("public", "privatekey"),
        OTEL_EXPORTER_OTLP_ENDPOINT: guarded.url, OTEL_EXPORTER_OTLP_HEADERS: "x-key=hush", ...bucketSettings("anothersecret")
      })
      await guarded.close()
      await catalogue.close()
      expect(text).toMatch(/^MISSING blobs +bucket playhead at \S+ is not usable\n +→ .*S3_SECRET_ACCESS_KEY/m)
      expect(text).toMatch(/^limited +yt-dlp +\S+ does not run\n +→ .*YTDLP_PATH/m)
      expect(text).toMatch(/^limited +denoising model +\S+ cannot be used.*\n +→ The file of DENOISER_MODEL_PATH is not/m)
      expect(text).toMatch(/^limited +catalogue +\S+ answers something else\n +→ Correct ITUNES_BASE_URL; until then imports go without it\.$/m)
      expect(text).toMatch(/^limited +error tracker +\S+ answers 403\n +→ Correct SENTRY_DSN/m)
      expect(text).toMatch(/^limited +collector +\S+ answers 401\n +→ Correct OTEL_EXPORTER_OTLP_HEADERS/m)
      expect(text).not.toMatch(/hush|anothersecret|privatekey/)
      expect(code).toBe(78)
    }, 60_000)

    it("says that a bucket may be written to and not read", async () => {
      s3.requests.length = 0
      s3.fail(({ method }) => (method === "GET" ? { _tag: "Answer", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" } : undefined))
      const { code, text } = await consult({ PLAYHEAD_DATA_DIR: dataDir, ...bucketSettings() })
      s3.fail(() => undefined)
      expect(text).toMatch(/^MISSING blobs[^\n]+\n +→ A file could not be read: .*Look at the rights of the key in S3_ACCESS_KEY_ID\.$/m)
      expect(s3.requests.at(-1)).toMatch(/^DELETE /)
      expect(code).toBe(78)
    }, 60_000)

    it.each([
      ["S3_ENDPOINT", () => ({ ...bucketSettings(), S3_ENDPOINT: "http://127.0.0.1:9" }), "MISSING"],
      ["ITUNES_BASE_URL", () => ({ ITUNES_BASE_URL: "http://127.0.0.1:9/" }), "limited"],
      ["SENTRY_DSN", () => ({ SENTRY_DSN: "http://key@127.0.0.1:9/42" }), "limited"]
    ])("says that nothing answers at %s", async (setting, environment, state) => {
      const { text } = await consult({ PLAYHEAD_DATA_DIR: dataDir, ...environment() as Record<string, string> })
      expect(text).toMatch(new RegExp(`^${state} .*\\n +→ .*Start it, or correct ${setting}`, "m"))
    }, 60_000)
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
  }, 60_000)
})
