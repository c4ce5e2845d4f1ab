import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { settings } from "../../src/config/settings.ts"
import { configTable } from "../../src/config/table.ts"
import { editDistance } from "../../src/config/unknownVariables.ts"
import { describeConfig, loadConfig, publicUrl, reportConfigFaults } from "../../src/Config.ts"

const around = (environment: Record<string, string>, dotEnv?: string) => ({
  environment,
  dotEnv: dotEnv === undefined ? undefined : ConfigProvider.fromDotEnvContents(dotEnv),
  workingDirectory: "/srv/playhead",
  cores: 6,
  isTerminal: false
})
const load = (environment: Record<string, string>, dotEnv?: string) => loadConfig(around(environment, dotEnv))
const faultsOf = (environment: Record<string, string>, dotEnv?: string) =>
  load(environment, dotEnv).pipe(Effect.flip, Effect.map(({ faults }) => faults))

describe("Configuration", () => {
  it.effect("needs nothing to be set", () =>
    Effect.gen(function*() {
      expect(yield* load({})).toEqual({
        host: "127.0.0.1",
        port: 4000,
        publicUrl: undefined,
        auth: "none",
        adminKey: undefined,
        jwt: undefined,
        mediaUrlMs: 360 * 60_000,
        requestsPerMinute: 1_200,
        jobsPerMinute: 300,
        roles: new Set(["api", "worker"]),
        dataDir: "/srv/playhead/data",
        databaseUrl: undefined,
        databasePoolSize: 10,
        databaseStatementTimeoutMs: 15_000,
        importDir: undefined,
        itunesBaseUrl: undefined,
        s3: undefined,
        allowPrivateSources: [],
        corsOrigins: [],
        ffmpegPath: undefined,
        ytdlpPath: undefined,
        ffmpegTimeoutMs: 600_000,
        denoiserModelPath: undefined,
        downloadTimeoutMs: 300_000,
        maxUploadBytes: 500 * 1_048_576,
        uploadExpiryMs: 86_400_000,
        maxUnfinishedUploads: 100,
        maxDurationMs: 240 * 60_000,
        maxStreamBacklogBytes: 1_048_576,
        jobConcurrency: 6,
        jobKindConcurrency: new Map(),
        jobLogRetentionDays: 30,
        errorBudgetObjective: 0.99,
        providerBudgets: [],
        otlp: undefined,
        logFormat: "json",
        logLevel: "Info",
        warnings: []
      })
    }))

  it.effect("takes every setting from the environment", () =>
    Effect.gen(function*() {
      const config = yield* load({
        HOST: "::1",
        PORT: "0",
        PLAYHEAD_PUBLIC_URL: "https://music.example/playhead/",
        PLAYHEAD_AUTH: "Keys",
        PLAYHEAD_ADMIN_KEY: "0123456789abcdef0123456789abcdef",
        JWT_ISSUER: "https://login.example/",
        JWT_AUDIENCE: "playhead",
        JWT_JWKS_URL: "https://login.example/keys.json",
        JWT_ALGORITHM: "ES256",
        JWT_SCOPE_CLAIM: "permissions",
        MEDIA_URL_MINUTES: "10",
        RATE_LIMIT_REQUESTS_PER_MINUTE: "60",
        RATE_LIMIT_JOBS_PER_MINUTE: "0",
        PLAYHEAD_ROLES: " Worker,",
        PLAYHEAD_DATA_DIR: "/var/lib/playhead",
        DATABASE_URL: "postgres://me:secret@db/playhead",
        DB_POOL_SIZE: "3",
        DB_STATEMENT_TIMEOUT_MS: "500",
        PLAYHEAD_IMPORT_DIR: "incoming",
        PLAYHEAD_ALLOW_PRIVATE_SOURCES: "NAS.local, 192.168.1.5:80,::1",
        PLAYHEAD_CORS_ORIGINS: "https://studio.example,http://localhost:5173",
        S3_BUCKET: "audio",
        S3_ENDPOINT: "https://s3.example/",
        S3_PUBLIC_ENDPOINT: "https://cdn.example",
        S3_REGION: "eu-1",
        S3_ACCESS_KEY_ID: "id",
        S3_SECRET_ACCESS_KEY: "secret",
        S3_PREFIX: "playhead/",
        FFMPEG_PATH: "/opt/ffmpeg",
        YTDLP_PATH: "/opt/yt-dlp",
        FFMPEG_TIMEOUT_SECONDS: "30",
        DENOISER_MODEL_PATH: "models/gtcrn.onnx",
        DOWNLOAD_TIMEOUT_SECONDS: "40",
        MAX_UPLOAD_MB: "1",
        UPLOAD_EXPIRY_HOURS: "3",
        MAX_UNFINISHED_UPLOADS: "5",
        MAX_DURATION_MINUTES: "2",
        MAX_STREAM_BACKLOG_KB: "64",
        JOB_CONCURRENCY: "1",
        JOB_KIND_CONCURRENCY: "IMPORT=2, SEPARATE=1",
        JOB_LOG_RETENTION_DAYS: "7",
        ERROR_BUDGET_OBJECTIVE_PERCENT: "99.5",
        PROVIDER_BUDGETS: "itunes.requests=1000/3600, rnnoise.audio_seconds=36000/86400",
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
        OTEL_EXPORTER_OTLP_HEADERS: "X-Api-Key=topsecret%2C1, tenant = a",
        OTEL_SERVICE_NAME: "studio",
        LOG_FORMAT: "PRETTY",
        LOG_LEVEL: "debug"
      })
      expect({
        ...config,
        adminKey: config.adminKey && Redacted.value(config.adminKey),
        databaseUrl: config.databaseUrl && Redacted.value(config.databaseUrl),
        otlp: config.otlp && { ...config.otlp, headers: Redacted.value(config.otlp.headers) }
      }).toEqual({
        host: "::1",
        port: 0,
        publicUrl: "https://music.example/playhead",
        auth: "keys",
        adminKey: "0123456789abcdef0123456789abcdef",
        jwt: {
          issuer: "https://login.example/",
          audience: "playhead",
          algorithm: "ES256",
          scopeClaim: "permissions",
          keys: { jwksUrl: "https://login.example/keys.json" }
        },
        mediaUrlMs: 600_000,
        requestsPerMinute: 60,
        jobsPerMinute: 0,
        roles: new Set(["worker"]),
        dataDir: "/var/lib/playhead",
        databaseUrl: "postgres://me:secret@db/playhead",
        databasePoolSize: 3,
        databaseStatementTimeoutMs: 500,
        importDir: "/srv/playhead/incoming",
        s3: {
          bucket: "audio",
          endpoint: "https://s3.example",
          publicEndpoint: "https://cdn.example",
          region: "eu-1",
          accessKeyId: "id",
          secretAccessKey: Redacted.make("secret"),
          prefix: "playhead/"
        },
        allowPrivateSources: [{ host: "nas.local", port: undefined }, { host: "192.168.1.5", port: 80 }, { host: "::1", port: undefined }],
        corsOrigins: ["https://studio.example", "http://localhost:5173"],
        ffmpegPath: "/opt/ffmpeg",
        ytdlpPath: "/opt/yt-dlp",
        ffmpegTimeoutMs: 30_000,
        denoiserModelPath: "/srv/playhead/models/gtcrn.onnx",
        downloadTimeoutMs: 40_000,
        maxUploadBytes: 1_048_576,
        uploadExpiryMs: 10_800_000,
        maxUnfinishedUploads: 5,
        maxDurationMs: 120_000,
        maxStreamBacklogBytes: 65_536,
        jobConcurrency: 1,
        jobKindConcurrency: new Map([["IMPORT", 2], ["SEPARATE", 1]]),
        jobLogRetentionDays: 7,
        errorBudgetObjective: 0.995,
        providerBudgets: [
          { provider: "itunes", metric: "requests", limit: 1000, windowSeconds: 3600 },
          { provider: "rnnoise", metric: "audio_seconds", limit: 36000, windowSeconds: 86400 }
        ],
        otlp: { endpoint: "http://collector:4318", headers: { "X-Api-Key": "topsecret,1", tenant: "a" }, serviceName: "studio" },
        logFormat: "pretty",
        logLevel: "Debug",
        warnings: []
      })
      expect(JSON.stringify(config)).not.toMatch(/:secret@|"secret"/u)
    }))

  it.effect("prefers the environment to .env, even an empty variable", () =>
    Effect.gen(function*() {
      const dotEnv = "PORT=5000\nDB_POOL_SIZE=3 # a comment\nDATABASE_URL=\"postgres://db/playhead\"\nJOB_CONCURRENCY="
      const config = yield* load({ PORT: "6000", DATABASE_URL: "" }, dotEnv)
      expect(config).toMatchObject({ port: 6000, databasePoolSize: 3, databaseUrl: undefined, jobConcurrency: 6 })
    }))

  it.effect("is not confused by other variables that begin alike", () =>
    Effect.gen(function*() {
      expect(yield* load({ HOST_NAME: "box", PORT_0: "1", PORT: "4100", LOG_LEVEL_OF_OTHERS: "x" })).toMatchObject({ host: "127.0.0.1", port: 4100, logLevel: "Info" })
    }))

  it.effect("names all faults at once, each with its value and what is allowed", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(load({
        PORT: "99999",
        DATABASE_URL: "mysql://me:topsecret@db/playhead",
        PLAYHEAD_AUTH: "jwt",
        MAX_UPLOAD_MB: "1e3",
        PLAYHEAD_CORS_ORIGINS: "https://studio.example/path",
        PLAYHEAD_PUBLIC_URL: "ftp://music.example",
        LOG_LEVEL: "loud"
      }, "PLAYHEAD_ROLES=api,cook"))
      expect(error.message).toBe(reportConfigFaults(error.faults))
      expect(error.message.split("\n")).toEqual([
        "Playhead cannot start: 8 settings are wrong.",
        '  PORT="99999": must be a whole number from 0 to 65535',
        '  PLAYHEAD_PUBLIC_URL="ftp://music.example": must be an http:// or https:// address',
        '  PLAYHEAD_AUTH="jwt": must be `none` or `keys`',
        '  PLAYHEAD_ROLES="api,cook": must be `api`, `worker` or both, between commas',
        '  DATABASE_URL="mysql://me:***@db/playhead": must be a postgres:// or postgresql:// address',
        '  PLAYHEAD_CORS_ORIGINS="https://studio.example/path": must be origins between commas, such as https://studio.example, each without a path',
        '  MAX_UPLOAD_MB="1e3": must be a whole number of MB (1,048,576 bytes) from 1 to 1000000',
        '  LOG_LEVEL="loud": must be `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `none`',
        "Settings come from the environment, then from .env in the working directory. The README lists them all."
      ])
    }))

  it.effect.each([
    "postgres//me:topsecret@db/playhead",
    "postgres:/me:topsecret@db/playhead",
    "me:topsecret@db",
    "http://me:topsecret@db",
    "http://me:1/topsecret@db",
    "http://db/?password=topsecret"
  ])("never shows the password of DATABASE_URL, however it is written: %s", (url) =>
    Effect.gen(function*() {
      const [fault] = yield* faultsOf({ DATABASE_URL: url })
      expect(fault?.name).toBe("DATABASE_URL")
      expect(JSON.stringify(fault)).not.toContain("topsecret")
    }))

  it.effect.each([
    ["PORT", "-1"], ["PORT", "4000.5"], ["PORT", "0x10"], ["PORT", "65536"], ["PORT", "http"],
    ["DB_POOL_SIZE", "0"], ["JOB_CONCURRENCY", "0"], ["JOB_KIND_CONCURRENCY", "IMPORT"], ["JOB_KIND_CONCURRENCY", "IMPORTS=2"], ["JOB_KIND_CONCURRENCY", "IMPORT=0"], ["PROVIDER_BUDGETS", "nobody.requests=1/60"], ["PROVIDER_BUDGETS", "itunes.requests=0/60"], ["PROVIDER_BUDGETS", "itunes.parsecs=1/60"], ["ERROR_BUDGET_OBJECTIVE_PERCENT", "100"], ["DB_STATEMENT_TIMEOUT_MS", "99"], ["MAX_DURATION_MINUTES", "999999999999999"],
    ["HOST", "127.0.0.1:4000"], ["HOST", "[::1]"], ["HOST", "http://localhost"],
    ["DATABASE_URL", "playhead"], ["DATABASE_URL", "postgres:playhead"],
    ["PLAYHEAD_ROLES", ","], ["PLAYHEAD_ALLOW_PRIVATE_SOURCES", "http://nas"], ["PLAYHEAD_ALLOW_PRIVATE_SOURCES", "10.0.0.0/8"],
    ["PLAYHEAD_CORS_ORIGINS", "*"], ["PLAYHEAD_CORS_ORIGINS", "studio.example"], ["PLAYHEAD_PUBLIC_URL", "music.example"], ["LOG_FORMAT", "xml"], ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"], ["OTEL_EXPORTER_OTLP_HEADERS", "no equals sign"], ["OTEL_EXPORTER_OTLP_HEADERS", "a=%zz"]
  ] as const)("refuses %s=%s", ([name, value]) =>
    Effect.gen(function*() {
      expect((yield* faultsOf({ [name]: value })).map((fault) => fault.name)).toEqual([name])
    }))

  it.effect.each([
    [{ PLAYHEAD_ADMIN_KEY: "0123456789" }, "keys"],
    [{ JWT_ISSUER: "i", JWT_AUDIENCE: "a", JWT_SECRET: "s".repeat(32) }, "keys"],
    [{ PLAYHEAD_ADMIN_KEY: "0123456789", PLAYHEAD_AUTH: "none" }, "none"],
    [{ PLAYHEAD_AUTH: "keys" }, "keys"]
  ] as const)("asks who somebody is where a key or an issuer is set, unless told otherwise: %o", ([environment, auth]) =>
    Effect.gen(function*() {
      expect((yield* load(environment)).auth).toBe(auth)
    }))

  it.effect("serves a network where keys are required, and not where they are given up", () =>
    Effect.gen(function*() {
      expect(yield* load({ HOST: "0.0.0.0", PLAYHEAD_ADMIN_KEY: "0123456789" })).toMatchObject({ host: "0.0.0.0", auth: "keys" })
      expect((yield* faultsOf({ HOST: "0.0.0.0", PLAYHEAD_ADMIN_KEY: "0123456789", PLAYHEAD_AUTH: "none" })).map(({ name }) => name)).toEqual(["HOST"])
    }))

  const jwt = { JWT_ISSUER: "https://login.example/", JWT_AUDIENCE: "playhead" }
  const jwksUrl = { JWT_JWKS_URL: "https://login.example/keys" }
  const secret = { JWT_SECRET: "s".repeat(32) }
  it.effect.each([
    ["an issuer without an audience", { JWT_ISSUER: "i", ...jwksUrl }, ["JWT_AUDIENCE"]],
    ["an audience without an issuer", { JWT_AUDIENCE: "a", ...jwksUrl }, ["JWT_ISSUER"]],
    ["no keys", jwt, ["JWT_JWKS_URL"]],
    ["keys of both kinds", { ...jwt, ...jwksUrl, ...secret }, ["JWT_JWKS_URL"]],
    ["a shared secret's algorithm with public keys", { ...jwt, ...jwksUrl, JWT_ALGORITHM: "HS256" }, ["JWT_ALGORITHM"]],
    ["public keys' algorithm with a shared secret", { ...jwt, ...secret, JWT_ALGORITHM: "RS256" }, ["JWT_ALGORITHM"]],
    ["no algorithm at all", { ...jwt, ...jwksUrl, JWT_ALGORITHM: "none" }, ["JWT_ALGORITHM"]]
  ] as const)("refuses tokens with %s", ([, environment, names]) =>
    Effect.gen(function*() {
      expect((yield* faultsOf(environment)).map(({ name }) => name)).toEqual(names)
    }))

  it.effect("takes the usual algorithm for the keys that are set, and never shows a secret", () =>
    Effect.gen(function*() {
      expect((yield* load({ ...jwt, ...jwksUrl })).jwt?.algorithm).toBe("RS256")
      const config = yield* load({ ...jwt, JWT_SECRET: "topsecret".repeat(4), PLAYHEAD_ADMIN_KEY: "topsecret".repeat(4) })
      expect(config.jwt?.algorithm).toBe("HS256")
      expect(JSON.stringify(config)).not.toContain("topsecret")
      for (const fault of yield* faultsOf({ ...jwt, JWT_SECRET: "topsecret", PLAYHEAD_ADMIN_KEY: "top secret" })) expect(JSON.stringify(fault)).not.toMatch(/top ?secret/)
    }))

  it.effect("warns of what protects less than it seems to", () =>
    Effect.gen(function*() {
      const { warnings } = yield* load({ PLAYHEAD_AUTH: "none", PLAYHEAD_ADMIN_KEY: "0123456789", ...jwt, JWT_JWKS_URL: "http://login.example/keys" })
      expect(warnings).toEqual([expect.stringContaining("PLAYHEAD_AUTH is none"), expect.stringContaining("has 10 characters"), expect.stringContaining("not https")])
    }))

  it.effect.each(["0.0.0.0", "::", "192.168.1.2", "music.example"])("refuses to serve everybody without authentication on %s", (host) =>
    Effect.gen(function*() {
      const [fault, ...others] = yield* faultsOf({ HOST: host })
      expect(others).toEqual([])
      expect(fault).toMatchObject({ name: "HOST", value: host })
      expect(fault?.problem).toContain("PLAYHEAD_AUTH")
      expect(yield* faultsOf({ HOST: host, PORT: "x" })).toHaveLength(2)
    }))

  it.effect.each(["127.0.0.1", "127.1.2.3", "localhost", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])("serves without authentication on %s", (host) =>
    Effect.gen(function*() {
      expect((yield* load({ HOST: host })).host).toBe(host)
    }))

  it.effect("warns of variables that nobody reads, with what was meant", () =>
    Effect.gen(function*() {
      const { warnings } = yield* load({ PLAYHEAD_DATADIR: "/x", PLAYHEAD_AUHT: "none", PLAYHEAD_COLOUR: "red", PLAYHEADS: "x" }, "PLAYHEAD_ROLE=api\nPLAYHEAD_AUHT=none")
      expect(warnings.toSorted()).toEqual([
        "PLAYHEAD_AUHT is not a setting and has no effect; did you mean PLAYHEAD_AUTH?",
        "PLAYHEAD_COLOUR is not a setting and has no effect",
        "PLAYHEAD_DATADIR is not a setting and has no effect; did you mean PLAYHEAD_DATA_DIR?",
        "PLAYHEAD_ROLE is not a setting and has no effect; did you mean PLAYHEAD_ROLES?"
      ])
    }))

  it("makes addresses for clients from where it listens, unless told otherwise", () => {
    expect(publicUrl({ host: "127.0.0.1", publicUrl: undefined }, 4321)).toBe("http://127.0.0.1:4321")
    expect(publicUrl({ host: "::1", publicUrl: undefined }, 4000)).toBe("http://[::1]:4000")
    expect(publicUrl({ host: "127.0.0.1", publicUrl: "https://music.example" }, 4000)).toBe("https://music.example")
  })

  it.effect("starts with the defaults that its documentation states", () =>
    Effect.gen(function*() {
      const stated = Object.fromEntries(describeConfig().filter((each) => /^[\w.,/]+$/u.test(each.default)).map((each) => [each.name, each.default]))
      expect(Object.keys(stated)).toContain("DB_POOL_SIZE")
      expect(yield* load(stated)).toEqual(yield* load({}))
    }))

  it("knows each variable once", () => {
    expect(new Set(describeConfig().map(({ name }) => name)).size).toBe(Object.keys(settings).length)
  })

  it.each([["", "", 0], ["abc", "abc", 0], ["abc", "acb", 1], ["kitten", "sitting", 3], ["", "abc", 3], ["abcdef", "abdf", 2]])("counts the slips from %j to %j as %i", (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
    expect(editDistance(to, from)).toBe(distance)
  })

  describe("in the documentation", () => {
    const repository = join(import.meta.dirname, "../..")

    it("stands in the README as it is (npm run readme writes it)", async () => {
      expect(await readFile(join(repository, "README.md"), "utf8")).toContain(`<!-- settings -->\n${configTable()}\n<!-- /settings -->`)
    })

    it("is complete in .env.example, with nothing but defaults and comments", async () => {
      const example = await readFile(join(repository, ".env.example"), "utf8")
      expect([...example.matchAll(/^#([A-Z0-9_]+)=/gmu)].map(([, name]) => name)).toEqual(describeConfig().map(({ name }) => name))
      expect(example.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([])
    })
  })
})
