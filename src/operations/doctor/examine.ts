/** Looks at what Playhead needs, and puts nothing right by itself. */
import { Effect, type Redacted } from "effect"
import type { SentryDsn } from "../../domain/SentryDsn.ts"
import type { S3BlobStoreSettings } from "../../storage/s3/s3BlobStore.ts"
import { bucket } from "./bucket.ts"
import { database } from "./database.ts"
import type { Finding } from "./Finding.ts"
import { dataDirectory, ffmpeg, nodeFinding, orphans, port } from "./machine.ts"
import { catalogue, collector, errorTracker } from "./services.ts"
import { speechModel, videoPages } from "./tools.ts"

export interface Patient {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly databaseUrl: Redacted.Redacted<string> | undefined
  readonly s3: Omit<S3BlobStoreSettings, "timeoutMs"> | undefined
  readonly ffmpegPath: string | undefined
  readonly ytdlpPath: string | undefined
  readonly denoiserModelPath: string | undefined
  readonly itunesBaseUrl: string | undefined
  readonly otlp: { readonly endpoint: string; readonly headers: Redacted.Redacted<Readonly<Record<string, string>>> } | undefined
  readonly sentry: { readonly dsn: Redacted.Redacted<SentryDsn> } | undefined
}

const off = (name: string, found: string): Effect.Effect<Finding> => Effect.succeed({ name, state: "off", found })

export const examine = ({ itunesBaseUrl, otlp, s3, sentry, ...patient }: Patient): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.all([
    Effect.succeed(nodeFinding(process.version)),
    dataDirectory(patient.dataDir),
    database(patient),
    s3 === undefined ? off("blobs", "S3_BUCKET is not set: they are in the data directory") : bucket(s3),
    ffmpeg(patient.ffmpegPath),
    orphans,
    port(patient),
    videoPages(patient.ytdlpPath),
    speechModel(patient.denoiserModelPath),
    itunesBaseUrl === undefined ? off("catalogue", "ITUNES_BASE_URL is not set: what tags lack is not looked up") : catalogue(itunesBaseUrl),
    otlp === undefined ? off("collector", "OTEL_EXPORTER_OTLP_ENDPOINT is not set: traces and metrics are not sent") : collector(otlp),
    sentry === undefined ? off("error tracker", "SENTRY_DSN is not set: bugs are told to the log alone") : errorTracker(sentry.dsn)
  ], { concurrency: 4 })
