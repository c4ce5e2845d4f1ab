/** Every environment variable that Playhead reads. The README's table is made from this one. */
import { Schema } from "effect"
import type { AllowedSource } from "../providers/outbound/AddressPolicy.ts"
import { JobKind } from "../domain/Job.ts"
import type { Budget } from "../domain/Provider.ts"
import { accessSettings } from "./accessSettings.ts"
import { allowedSource, headerList, hostName, type KindLimit, kindLimit, list, oneOf, optional, path, percentage, providerBudget, sentryDsn, type Setting, urlText, webOrigin, wholeNumber } from "./setting.ts"

export const settings = {
  host: {
    name: "HOST",
    codec: hostName,
    fallback: () => "127.0.0.1",
    default: "127.0.0.1",
    allowed: "a host name or IP address, without port or brackets",
    meaning: "Address to listen on. While `PLAYHEAD_AUTH` is `none`, a loopback address",
    exposure: "plain"
  } satisfies Setting<string>,
  port: wholeNumber("PORT", 4000, [0, 65_535], { unit: "", meaning: "Port to listen on; 0 takes any free one" }),
  publicUrl: optional({
    name: "PLAYHEAD_PUBLIC_URL",
    codec: urlText(["http:", "https:"]),
    default: "http://HOST:PORT",
    allowed: "an http:// or https:// address",
    meaning: "Where clients reach this server, when that is behind a proxy. Links to media begin with it",
    exposure: "url"
  }),
  ...accessSettings,
  roles: {
    name: "PLAYHEAD_ROLES",
    codec: list(oneOf(["api", "worker"])).check(Schema.isMinLength(1)),
    fallback: () => ["api", "worker"],
    default: "api,worker",
    allowed: "`api`, `worker` or both, between commas",
    meaning: "What this process does: answer clients, work on jobs, or both",
    exposure: "plain"
  } satisfies Setting<ReadonlyArray<"api" | "worker">>,
  dataDir: {
    name: "PLAYHEAD_DATA_DIR",
    codec: path,
    fallback: () => "./data",
    default: "./data",
    allowed: "a path",
    meaning: "Directory for files and the embedded database; made if need be",
    exposure: "plain"
  } satisfies Setting<string>,
  databaseUrl: optional({
    name: "DATABASE_URL",
    codec: urlText(["postgres:", "postgresql:"]),
    allowed: "a postgres:// or postgresql:// address",
    meaning: "The PostgreSQL to use; unset: an embedded one in the data directory",
    exposure: "url"
  }),
  databasePoolSize: wholeNumber("DB_POOL_SIZE", 10, [1, 1_000], { unit: "connections", meaning: "Most connections to PostgreSQL held by this process" }),
  databaseStatementTimeoutMs: wholeNumber("DB_STATEMENT_TIMEOUT_MS", 15_000, [100, 3_600_000], {
    unit: "milliseconds",
    meaning: "A statement that takes longer is ended by the database"
  }),
  importDir: optional({
    name: "PLAYHEAD_IMPORT_DIR",
    codec: path,
    allowed: "a path",
    meaning: "Directory that local files may be imported from; unset: none",
    exposure: "plain"
  }),
  allowPrivateSources: {
    name: "PLAYHEAD_ALLOW_PRIVATE_SOURCES",
    codec: list(allowedSource),
    fallback: () => [],
    default: "",
    allowed: "hosts between commas, each with or without a port, such as nas.local,192.168.1.5:8080",
    meaning: "Hosts that imports and webhooks may reach although their address is private; unset: none",
    exposure: "plain"
  } satisfies Setting<ReadonlyArray<AllowedSource>>,
  itunesBaseUrl: optional({
    name: "ITUNES_BASE_URL",
    codec: urlText(["http:", "https:"]),
    allowed: "an http:// or https:// address, such as https://itunes.apple.com",
    meaning: "An iTunes Search API that is asked for what a file's tags lack, by artist and title; unset: nobody is asked",
    exposure: "url"
  }),
  corsOrigins: {
    name: "PLAYHEAD_CORS_ORIGINS",
    codec: list(webOrigin),
    fallback: () => [],
    default: "",
    allowed: "origins between commas, such as https://studio.example, each without a path",
    meaning: "Web origins besides its own that may call the API; unset: none",
    exposure: "plain"
  } satisfies Setting<ReadonlyArray<string>>,
  s3Bucket: optional({
    name: "S3_BUCKET",
    codec: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u)),
    allowed: "the name of a bucket",
    meaning: "Keep files in this bucket of an S3-compatible store; unset: in the data directory",
    exposure: "plain"
  }),
  s3Endpoint: optional({
    name: "S3_ENDPOINT",
    codec: urlText(["http:", "https:"]),
    default: "https://s3.S3_REGION.amazonaws.com",
    allowed: "an http:// or https:// address",
    meaning: "Where the S3-compatible store is; buckets are addressed by path",
    exposure: "url"
  }),
  s3PublicEndpoint: optional({
    name: "S3_PUBLIC_ENDPOINT",
    codec: urlText(["http:", "https:"]),
    allowed: "an http:// or https:// address",
    meaning: "Where clients reach that store: media are then answered with a redirect to an address that holds for six hours; unset: Playhead sends them itself",
    exposure: "url"
  }),
  s3Region: {
    name: "S3_REGION",
    codec: Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,40}$/u)),
    fallback: () => "us-east-1",
    default: "us-east-1",
    allowed: "the name of a region",
    meaning: "The region that requests to the store are signed for",
    exposure: "plain"
  } satisfies Setting<string>,
  s3AccessKeyId: optional({
    name: "S3_ACCESS_KEY_ID",
    codec: Schema.NonEmptyString,
    allowed: "the id of a key",
    meaning: "The key that requests to the store are signed with; it must be allowed to read, write, delete and list",
    exposure: "plain"
  }),
  s3SecretAccessKey: optional({
    name: "S3_SECRET_ACCESS_KEY",
    codec: Schema.NonEmptyString,
    allowed: "the secret of that key",
    meaning: "The secret of that key",
    exposure: "secret"
  }),
  s3Prefix: {
    name: "S3_PREFIX",
    codec: Schema.String.check(Schema.isPattern(/^[\w./-]{0,200}$/u)),
    fallback: () => "",
    default: "",
    allowed: "up to 200 letters, digits and ._/-",
    meaning: "In front of the name of every file in the bucket, such as `playhead/`",
    exposure: "plain"
  } satisfies Setting<string>,
  ffmpegPath: optional({
    name: "FFMPEG_PATH",
    codec: path,
    allowed: "a path",
    meaning: "The ffmpeg to use; unset: the one in `PATH`, else the bundled one",
    exposure: "plain"
  }),
  ytdlpPath: optional({
    name: "YTDLP_PATH",
    codec: path,
    allowed: "a path",
    meaning: "The yt-dlp that fetches the audio of pages with a video; unset: such pages are not imported",
    exposure: "plain"
  }),
  ffmpegTimeoutSeconds: wholeNumber("FFMPEG_TIMEOUT_SECONDS", 600, [1, 86_400], { unit: "seconds", meaning: "An ffmpeg that runs longer is ended" }),
  denoiserModelPath: optional({
    name: "DENOISER_MODEL_PATH",
    codec: path,
    allowed: "a path",
    meaning: "A speech-denoising model in ONNX format (GTCRN or DPDFNet, as sherpa-onnx has them), for enhancement of the quality HIGH; unset: none",
    exposure: "plain"
  }),
  downloadTimeoutSeconds: wholeNumber("DOWNLOAD_TIMEOUT_SECONDS", 300, [1, 86_400], { unit: "seconds", meaning: "A download that takes longer is given up" }),
  maxUploadMb: wholeNumber("MAX_UPLOAD_MB", 500, [1, 1_000_000], { unit: "MB (1,048,576 bytes)", meaning: "Largest file that is taken, uploaded or downloaded" }),
  uploadExpiryHours: wholeNumber("UPLOAD_EXPIRY_HOURS", 24, [1, 8_760], { unit: "hours", meaning: "How long a resumable upload is kept, from its beginning, finished or not" }),
  maxUnfinishedUploads: wholeNumber("MAX_UNFINISHED_UPLOADS", 100, [1, 100_000], { unit: "uploads", meaning: "Resumable uploads that one key or token's owner may have begun and not finished, on all nodes together; without keys, one address" }),
  maxDurationMinutes: wholeNumber("MAX_DURATION_MINUTES", 240, [1, 100_000], { unit: "minutes", meaning: "Longest audio that is taken" }),
  maxStreamBacklogKb: wholeNumber("MAX_STREAM_BACKLOG_KB", 1_024, [1, 1_000_000], { unit: "KB (1,024 bytes)", meaning: "Events that may wait for a WebSocket client that does not take them, before its connection is closed with code 4413; nothing is lost when it comes back" }),
  jobConcurrency: wholeNumber("JOB_CONCURRENCY", ({ cores }) => cores, [1, 256], { unit: "jobs", default: "number of CPU cores", meaning: "Jobs that this process works on at once" }),
  jobKindConcurrency: {
    name: "JOB_KIND_CONCURRENCY",
    codec: list(kindLimit),
    fallback: () => [],
    default: "",
    allowed: `limits such as IMPORT=2 between commas; the kinds are ${JobKind.literals.join(", ")}`,
    meaning: "How many jobs of a kind this process works on at once, where that is to be fewer",
    exposure: "plain"
  } satisfies Setting<ReadonlyArray<KindLimit>>,
  jobLogRetentionDays: wholeNumber("JOB_LOG_RETENTION_DAYS", 30, [1, 36_500], { unit: "days", meaning: "How long the events of an ended job are kept; the last one stays" }),
  errorBudgetObjective: {
    name: "ERROR_BUDGET_OBJECTIVE_PERCENT",
    codec: percentage(50, 99.999),
    fallback: () => 99,
    default: "99",
    allowed: "a number from 50 to 99.999",
    meaning: "The share of jobs that is to succeed: what is left of it, and how fast it is used up, is `errorBudget`, and opens incidents",
    exposure: "plain"
  } satisfies Setting<number>,
  providerBudgets: {
    name: "PROVIDER_BUDGETS",
    codec: list(providerBudget),
    fallback: () => [],
    default: "",
    allowed: "budgets such as itunes.requests=1000/3600 between commas, with the window in seconds; the metrics are requests, tokens and audio_seconds",
    meaning: "The most that is used of a provider in a window, by all nodes together; unset: no limit",
    exposure: "plain"
  } satisfies Setting<ReadonlyArray<Budget>>,
  otlpEndpoint: optional({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    codec: urlText(["http:", "https:"]),
    allowed: "an http:// or https:// address",
    meaning: "OpenTelemetry collector that traces and metrics are sent to (OTLP over HTTP), such as http://localhost:4318; unset: none",
    exposure: "url"
  }),
  otlpHeaders: {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    codec: headerList,
    fallback: () => [],
    default: "",
    allowed: "headers between commas, such as x-api-key=abc, with what is special in them percent-encoded",
    meaning: "Headers that are sent to the collector, as keys of hosted ones",
    exposure: "secret"
  } satisfies Setting<ReadonlyArray<readonly [string, string]>>,
  serviceName: {
    name: "OTEL_SERVICE_NAME",
    codec: Schema.String.check(Schema.isPattern(/^[\w.:-]{1,100}$/u)),
    fallback: () => "playhead",
    default: "playhead",
    allowed: "up to 100 letters, digits and `_.:-`",
    meaning: "What this installation is called in traces and metrics that are sent",
    exposure: "plain"
  } satisfies Setting<string>,
  sentryDsn: optional({
    name: "SENTRY_DSN",
    codec: sentryDsn,
    allowed: "an address such as https://key@sentry.example/1",
    meaning: "Error tracker of Sentry's protocol that bugs and outages are reported to, without secrets; unset: none",
    exposure: "secret"
  }),
  sentryEnvironment: {
    name: "SENTRY_ENVIRONMENT",
    codec: Schema.String.check(Schema.isPattern(/^[\w.:-]{1,64}$/u)),
    fallback: () => "production",
    default: "production",
    allowed: "up to 64 letters, digits and `_.:-`",
    meaning: "What this installation is called in reports to the error tracker",
    exposure: "plain"
  } satisfies Setting<string>,
  logFormat: {
    name: "LOG_FORMAT",
    codec: oneOf(["pretty", "json"]),
    fallback: ({ isTerminal }) => (isTerminal ? "pretty" : "json"),
    default: "pretty on a terminal, else json",
    allowed: "`pretty` or `json`",
    meaning: "How log lines look",
    exposure: "plain"
  } satisfies Setting<"pretty" | "json">,
  logLevel: {
    name: "LOG_LEVEL",
    codec: oneOf(["trace", "debug", "info", "warn", "error", "fatal", "none"]),
    fallback: () => "info",
    default: "info",
    allowed: "`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `none`",
    meaning: "The least severe log lines that are printed",
    exposure: "plain"
  } satisfies Setting<"trace" | "debug" | "info" | "warn" | "error" | "fatal" | "none">
}

export type SettingKey = keyof typeof settings
/** The value of every setting, each as its own codec gives it. */
export type SettingValues = { readonly [Key in SettingKey]: (typeof settings)[Key] extends Setting<infer A> ? A : never }
