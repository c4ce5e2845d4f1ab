/**
 * The configuration: read once at start from the environment and `.env`, checked as a whole. Nothing else reads the
 * environment; layers take what they need as arguments. What can be set stands in config/settings.ts.
 */
import { resolve } from "node:path"
import { Config, ConfigProvider, Context, Effect, Layer, type LogLevel, Redacted, Result } from "effect"
import { accessFaults, accessWarnings, type JwtConfig, jwtOf, requiredAuth } from "./config/access.ts"
import { type ConfigFault, ConfigFaults, shownValue } from "./config/faults.ts"
import type { Setting } from "./config/setting.ts"
import { type SettingKey, settings, type SettingValues } from "./config/settings.ts"
import { processSurroundings, provider, type Surroundings } from "./config/surroundings.ts"
import { unknownVariables } from "./config/unknownVariables.ts"
import type { JobKind } from "./domain/Job.ts"
import { parseSentryDsn, type SentryDsn } from "./domain/SentryDsn.ts"
import type { Budget } from "./domain/Provider.ts"
import type { AllowedSource } from "./providers/outbound/AddressPolicy.ts"

export { ConfigFaults, reportConfigFaults } from "./config/faults.ts"
export { describeConfig } from "./config/table.ts"

export interface PlayheadConfig {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Without a slash at its end; undefined unless set. `publicUrl` has the default. */
  readonly publicUrl: string | undefined
  readonly auth: "none" | "keys"
  readonly adminKey: Redacted.Redacted | undefined
  /** Undefined where no tokens are accepted. */
  readonly jwt: JwtConfig | undefined
  /** How long links to media work, at most. */
  readonly mediaUrlMs: number
  /** 0 for no limit. */
  readonly requestsPerMinute: number
  /** 0 for no limit. */
  readonly jobsPerMinute: number
  readonly roles: ReadonlySet<"api" | "worker">
  /** Absolute. */
  readonly dataDir: string
  readonly databaseUrl: Redacted.Redacted | undefined
  readonly databasePoolSize: number
  readonly databaseStatementTimeoutMs: number
  /** Absolute. */
  readonly importDir: string | undefined
  /** Undefined where files are kept in the data directory. */
  readonly s3: {
    readonly bucket: string
    /** Without a slash at its end. */
    readonly endpoint: string
    readonly publicEndpoint: string | undefined
    readonly region: string
    readonly accessKeyId: string
    readonly secretAccessKey: Redacted.Redacted
    readonly prefix: string
  } | undefined
  readonly allowPrivateSources: ReadonlyArray<AllowedSource>
  /** Undefined where no catalogue is asked. */
  readonly itunesBaseUrl: string | undefined
  readonly corsOrigins: ReadonlyArray<string>
  readonly ffmpegPath: string | undefined
  readonly ytdlpPath: string | undefined
  readonly ffmpegTimeoutMs: number
  /** Absolute. */
  readonly denoiserModelPath: string | undefined
  readonly downloadTimeoutMs: number
  readonly maxUploadBytes: number
  /** How long a resumable upload is kept, imported or not. */
  readonly uploadExpiryMs: number
  readonly maxUnfinishedUploads: number
  readonly maxDurationMs: number
  readonly maxStreamBacklogBytes: number
  readonly jobConcurrency: number
  readonly jobKindConcurrency: ReadonlyMap<JobKind, number>
  readonly jobLogRetentionDays: number
  /** The share of jobs that is to succeed, 0 to 1. */
  readonly errorBudgetObjective: number
  readonly providerBudgets: ReadonlyArray<Budget>
  /** Undefined where nothing is sent to a collector. */
  readonly otlp: { readonly endpoint: string; readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>; readonly serviceName: string } | undefined
  /** Undefined where nothing is reported. */
  readonly sentry: { readonly dsn: Redacted.Redacted<SentryDsn>; readonly environment: string } | undefined
  readonly logFormat: "pretty" | "json"
  readonly logLevel: LogLevel.LogLevel
  /** What the operator should hear once logging stands: variables that nobody reads. */
  readonly warnings: ReadonlyArray<string>
}

export class AppConfig extends Context.Service<AppConfig, PlayheadConfig>()("playhead/Config/AppConfig") {
  /** The configuration of this process. Fails with all faults at once. */
  static readonly layer: Layer.Layer<AppConfig, ConfigFaults> = Layer.effect(AppConfig, Effect.flatMap(processSurroundings, (around) => loadConfig(around)))
}

const readSetting = (setting: Setting<unknown>, source: ConfigProvider.ConfigProvider, around: Surroundings): Effect.Effect<Result.Result<unknown, ConfigFault>> =>
  Effect.gen(function*() {
    const config = Config.schema(setting.codec, setting.name).pipe(Config.withDefault(setting.fallback(around)))
    const read = yield* Effect.result(config.parse(source))
    if (Result.isSuccess(read)) return Result.succeed(read.success)
    const text = yield* Effect.orDie(source.load([setting.name]))
    return Result.fail({ name: setting.name, value: text?.value === undefined ? undefined : shownValue(setting, text.value), problem: `must be ${setting.allowed}` })
  })

const s3Faults = (values: Partial<SettingValues>): ReadonlyArray<ConfigFault> => {
  const needed = [
    [settings.s3Bucket, values.s3Bucket],
    [settings.s3AccessKeyId, values.s3AccessKeyId],
    [settings.s3SecretAccessKey, values.s3SecretAccessKey]
  ] as const
  if (needed.every(([, value]) => value === undefined)) return []
  return needed.filter(([, value]) => value === undefined).map(([{ name }]) => ({ name, value: undefined, problem: `must be set as well: files are kept in a bucket when ${needed.map(([setting]) => setting.name).join(", ")} are` }))
}

const withoutSlash = (address: string): string => address.replace(/\/+$/u, "")

const s3Of = (values: SettingValues): PlayheadConfig["s3"] => {
  const { s3AccessKeyId: accessKeyId, s3Bucket: bucket, s3Prefix: prefix, s3Region: region, s3SecretAccessKey: secret } = values
  if (bucket === undefined || accessKeyId === undefined || secret === undefined) return undefined
  return {
    bucket,
    region,
    prefix,
    accessKeyId,
    secretAccessKey: Redacted.make(secret),
    endpoint: withoutSlash(values.s3Endpoint ?? `https://s3.${region}.amazonaws.com`),
    publicEndpoint: values.s3PublicEndpoint === undefined ? undefined : withoutSlash(values.s3PublicEndpoint)
  }
}

const megabyte = 1_048_576
const levels: Record<SettingValues["logLevel"], LogLevel.LogLevel> = { trace: "Trace", debug: "Debug", info: "Info", warn: "Warn", error: "Error", fatal: "Fatal", none: "None" }

/** The configuration in given surroundings. */
export const loadConfig = Effect.fn("Config.load")(function*(around: Surroundings): Effect.fn.Return<PlayheadConfig, ConfigFaults> {
  const source = provider(around)
  const faults: Array<ConfigFault> = []
  const read: Partial<Record<SettingKey, unknown>> = {}
  for (const key of Object.keys(settings) as Array<SettingKey>) {
    const result = yield* readSetting(settings[key], source, around)
    if (Result.isSuccess(result)) read[key] = result.success
    else faults.push(result.failure)
  }
  if (!faults.some(({ name }) => /^(PLAYHEAD_AUTH|PLAYHEAD_ADMIN_KEY|JWT_.*)$/u.test(name))) faults.push(...accessFaults(read as Partial<SettingValues>))
  if (!faults.some(({ name }) => name.startsWith("S3_"))) faults.push(...s3Faults(read as Partial<SettingValues>))
  if (faults.length > 0) return yield* new ConfigFaults({ faults })

  // Every setting was read without a fault, each by its own codec.
  const values = read as SettingValues
  const sentryDsn = values.sentryDsn === undefined ? undefined : parseSentryDsn(values.sentryDsn)
  return {
    host: values.host,
    port: values.port,
    publicUrl: values.publicUrl === undefined ? undefined : withoutSlash(values.publicUrl),
    auth: requiredAuth(values),
    adminKey: values.adminKey === undefined ? undefined : Redacted.make(values.adminKey),
    jwt: jwtOf(values),
    mediaUrlMs: values.mediaUrlMinutes * 60_000,
    requestsPerMinute: values.requestsPerMinute,
    jobsPerMinute: values.jobsPerMinute,
    roles: new Set(values.roles),
    dataDir: resolve(around.workingDirectory, values.dataDir),
    databaseUrl: values.databaseUrl === undefined ? undefined : Redacted.make(values.databaseUrl),
    databasePoolSize: values.databasePoolSize,
    databaseStatementTimeoutMs: values.databaseStatementTimeoutMs,
    importDir: values.importDir === undefined ? undefined : resolve(around.workingDirectory, values.importDir),
    s3: s3Of(values),
    allowPrivateSources: values.allowPrivateSources,
    itunesBaseUrl: values.itunesBaseUrl,
    corsOrigins: values.corsOrigins,
    ffmpegPath: values.ffmpegPath,
    ytdlpPath: values.ytdlpPath,
    ffmpegTimeoutMs: values.ffmpegTimeoutSeconds * 1_000,
    denoiserModelPath: values.denoiserModelPath === undefined ? undefined : resolve(around.workingDirectory, values.denoiserModelPath),
    downloadTimeoutMs: values.downloadTimeoutSeconds * 1_000,
    maxUploadBytes: values.maxUploadMb * megabyte,
    maxStreamBacklogBytes: values.maxStreamBacklogKb * 1_024,
    uploadExpiryMs: values.uploadExpiryHours * 3_600_000,
    maxUnfinishedUploads: values.maxUnfinishedUploads,
    maxDurationMs: values.maxDurationMinutes * 60_000,
    jobConcurrency: values.jobConcurrency,
    jobKindConcurrency: new Map(values.jobKindConcurrency.map(({ kind, limit }) => [kind, limit])),
    jobLogRetentionDays: values.jobLogRetentionDays,
    errorBudgetObjective: values.errorBudgetObjective / 100,
    providerBudgets: values.providerBudgets,
    otlp: values.otlpEndpoint === undefined
      ? undefined
      : { endpoint: values.otlpEndpoint, headers: Redacted.make(Object.fromEntries(values.otlpHeaders)), serviceName: values.serviceName },
    sentry: sentryDsn === undefined ? undefined : { dsn: Redacted.make(sentryDsn), environment: values.sentryEnvironment },
    logFormat: values.logFormat,
    logLevel: levels[values.logLevel],
    warnings: [
      ...accessWarnings(values),
      // A source that is already in memory cannot fail to be read.
      ...yield* Effect.orDie(unknownVariables([ConfigProvider.fromEnvRecord(around.environment), ...(around.dotEnv === undefined ? [] : [around.dotEnv])]))
    ]
  }
})

/** Where clients reach the server that listens on this port. */
export const publicUrl = (config: Pick<PlayheadConfig, "host" | "publicUrl">, listeningPort: number): string =>
  config.publicUrl ?? `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${listeningPort}`
