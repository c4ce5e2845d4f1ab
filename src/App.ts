/** The one place where layers meet: what Playhead is made of, and how one part gets the others. */
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import packageJson from "../package.json" with { type: "json" }
import { Access } from "./access/Access.ts"
import { ApiKeys } from "./access/ApiKeys.ts"
import { MediaLinks } from "./access/MediaLinks.ts"
import { RateLimits } from "./access/RateLimits.ts"
import { FFmpeg } from "./audio/FFmpeg.ts"
import { type PlayheadConfig, publicUrl } from "./Config.ts"
import { Conversion } from "./conversion/Conversion.ts"
import { transcodeKind } from "./conversion/transcodeKind.ts"
import { trimKind } from "./conversion/trimKind.ts"
import type { ProviderName } from "./domain/Provider.ts"
import { Enhancement } from "./enhancement/Enhancement.ts"
import { enhanceKind } from "./enhancement/enhanceKind.ts"
import { Server } from "./http/Server.ts"
import { statusServer } from "./http/statusServer.ts"
import { JobEvents } from "./jobs/JobEvents.ts"
import { type AnyJobKind, JobKinds } from "./jobs/JobKinds.ts"
import { Jobs } from "./jobs/Jobs.ts"
import { Node } from "./jobs/Node.ts"
import { OnJobEnded } from "./jobs/OnJobEnded.ts"
import { Queue } from "./jobs/Queue.ts"
import { Runner } from "./jobs/Runner.ts"
import { sweepLayer } from "./jobs/Sweep.ts"
import { takeoverLayer } from "./jobs/Takeover.ts"
import { Worker } from "./jobs/Worker.ts"
import { importKind } from "./library/import/importKind.ts"
import { Library } from "./library/Library.ts"
import { TrackEvents } from "./library/TrackEvents.ts"
import { Tracks } from "./library/Tracks.ts"
import { makeChecks } from "./operations/checks.ts"
import { errorTrackerLayer } from "./operations/errorTracker/errorTracker.ts"
import { Health } from "./operations/Health.ts"
import { FailureStatistics } from "./operations/failures/FailureStatistics.ts"
import { noteFailingStores } from "./operations/incidents/failingStores.ts"
import { Incidents } from "./operations/incidents/Incidents.ts"
import { diskSource } from "./operations/metrics/diskSource.ts"
import { jobSource } from "./operations/metrics/jobSource.ts"
import { Metrics } from "./operations/metrics/Metrics.ts"
import { webhookSource } from "./operations/metrics/webhookSource.ts"
import { budgetStore } from "./operations/providers/budgetStore.ts"
import { Providers } from "./operations/providers/Providers.ts"
import { sharedCircuits } from "./operations/providers/sharedCircuits.ts"
import { deliveringLayer } from "./operations/webhooks/delivering.ts"
import { webhookOfIncident } from "./operations/webhooks/incidentChanged.ts"
import { webhookOfEnd } from "./operations/webhooks/jobEnded.ts"
import { Webhooks } from "./operations/webhooks/Webhooks.ts"
import { Database } from "./persistence/Database.ts"
import { Guard } from "./providers/guard/Guard.ts"
import { LocalFiles } from "./providers/LocalFiles.ts"
import { MetadataLookup } from "./providers/metadata/MetadataLookup.ts"
import { sourceOf } from "./providers/outbound/AddressPolicy.ts"
import { OutboundHttp } from "./providers/outbound/OutboundHttp.ts"
import { VideoPages } from "./providers/VideoPages.ts"
import { Blobs } from "./storage/Blobs.ts"
import { blobStoreLayer } from "./storage/blobStoreLayer.ts"
import { Uploads } from "./storage/Uploads.ts"
import { WorkDirectories } from "./storage/WorkDirectories.ts"
import { layer as openTelemetry } from "./telemetry.ts"

/** Providers that have what they need. */
const configuredProviders = ({ denoiserModelPath, itunesBaseUrl, ytdlpPath }: PlayheadConfig): ReadonlySet<ProviderName> =>
  new Set<ProviderName>([
    "rnnoise",
    "afftdn",
    ...(denoiserModelPath === undefined ? [] : ["sherpa-onnx" as const]),
    ...(ytdlpPath === undefined ? [] : ["yt-dlp" as const]),
    ...(itunesBaseUrl === undefined ? [] : ["itunes" as const])
  ])

/** How long a receiver of a webhook may take to answer. */
const webhookTimeoutMs = 15_000

/** The operator names its host, which may be private. */
const errorTracking = ({ dsn, environment }: NonNullable<PlayheadConfig["sentry"]>) => {
  const { host, port } = Redacted.value(dsn)
  return errorTrackerLayer({ dsn, environment, release: `playhead@${packageJson.version}`, serverName: hostname(), root: dirname(import.meta.dirname) }).pipe(
    Layer.provide(OutboundHttp.layer({ allowedSources: [{ host, port }] }))
  )
}

/**
 * Everything, running: the API, the worker, or both, as the roles say. `otherKinds` of jobs are worked on besides
 * Playhead's own.
 */
export const appLayer = (config: PlayheadConfig, otherKinds: ReadonlyArray<AnyJobKind> = []) => {
  const limits = { maxBytes: config.maxUploadBytes, maxDurationMs: config.maxDurationMs, downloadTimeoutMs: config.downloadTimeoutMs }

  const speechModel = config.denoiserModelPath === undefined ? undefined : { path: config.denoiserModelPath, timeoutMs: config.ffmpegTimeoutMs }

  const foundation = Layer.mergeAll(
    Database.layer({
      url: config.databaseUrl,
      dataDir: config.dataDir,
      poolSize: config.databasePoolSize,
      statementTimeoutMs: config.databaseStatementTimeoutMs,
      migrate: true
    }),
    blobStoreLayer({ directory: join(config.dataDir, "blobs"), s3: config.s3 }).pipe(Layer.provideMerge(WorkDirectories.layer({ directory: join(config.dataDir, "work") }))),
    FFmpeg.layer({ path: config.ffmpegPath, timeoutMs: config.ffmpegTimeoutMs, maxProcesses: config.jobConcurrency }),
    OutboundHttp.layer({ allowedSources: config.allowPrivateSources }),
    VideoPages.layer({ path: config.ytdlpPath }),
    LocalFiles.layer({ importDir: config.importDir })
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))

  const catalogue = MetadataLookup.layer({ baseUrl: config.itunesBaseUrl }).pipe(
    Layer.provide(OutboundHttp.layer({ allowedSources: [...config.allowPrivateSources, ...(config.itunesBaseUrl === undefined ? [] : [sourceOf(config.itunesBaseUrl)])] }))
  )
  const guarded = catalogue.pipe(Layer.provideMerge(Guard.layer({ configured: configuredProviders(config), budgets: config.providerBudgets }))).pipe(
    Layer.provide(Layer.mergeAll(sharedCircuits, budgetStore)),
    Layer.provideMerge(FailureStatistics.layer),
    Layer.provideMerge(foundation)
  )

  const storage = Uploads.layer({ directory: join(config.dataDir, "uploads"), expiryMs: config.uploadExpiryMs, maxUnfinished: config.maxUnfinishedUploads }).pipe(
    Layer.provideMerge(Blobs.layer),
    Layer.provideMerge(guarded)
  )

  const kinds = Layer.effect(
    JobKinds,
    Effect.map(Effect.all([importKind(limits), transcodeKind(limits), trimKind(limits), enhanceKind({ speechModel })]), (own) => new Map([...own, ...otherKinds].map((kind: AnyJobKind) => [kind.kind, kind])))
  )
  const engine = Layer.mergeAll(Jobs.layer, JobEvents.layer, Runner.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(Queue.layer, Node.layer)),
    Layer.provideMerge(Layer.merge(kinds, Layer.succeed(OnJobEnded, [webhookOfEnd]))),
    Layer.provideMerge(storage)
  )

  const access = MediaLinks.layer({ lifetimeMs: config.mediaUrlMs }).pipe(
    Layer.provideMerge(Access.layer(config)),
    Layer.provideMerge(ApiKeys.layer),
    Layer.provideMerge(RateLimits.layer(config))
  )
  const features = Layer.mergeAll(
    access,
    Library.layer({ maxBytes: config.maxUploadBytes }),
    Conversion.layer,
    Tracks.layer,
    TrackEvents.layer,
    Providers.layer,
    Incidents.layer({ objective: config.errorBudgetObjective, onIncident: webhookOfIncident }),
    Webhooks.layer,
    Enhancement.layer({ hasSpeechModel: speechModel !== undefined }),
    noteFailingStores.pipe(Layer.provideMerge(Health.layer({ version: packageJson.version, checks: makeChecks(config) }))),
    Metrics.layer({ version: packageJson.version, sources: Effect.all([jobSource, webhookSource, Effect.succeed(diskSource(config.dataDir))]), sent: config.otlp !== undefined })
  ).pipe(Layer.provideMerge(engine))

  const work = config.roles.has("worker")
    ? Layer.mergeAll(takeoverLayer, sweepLayer({ logRetentionDays: config.jobLogRetentionDays }), deliveringLayer({ timeoutMs: webhookTimeoutMs })).pipe(
      Layer.provideMerge(Worker.layer({ concurrency: config.jobConcurrency, kindConcurrency: config.jobKindConcurrency }))
    )
    : Layer.empty
  const door = { host: config.host, port: config.port, publicUrl: (port: number) => publicUrl(config, port), corsOrigins: config.corsOrigins }
  const server = config.roles.has("api")
    ? Server.layer({ ...door, maxUploadBytes: config.maxUploadBytes, maxWaitingBytes: config.maxStreamBacklogBytes })
    : statusServer(door)
  const telemetry = config.otlp === undefined ? Layer.empty : openTelemetry({ ...config.otlp, version: packageJson.version })
  const errorTracker = config.sentry === undefined ? Layer.empty : errorTracking(config.sentry)
  const greeting = Layer.effectDiscard(
    Effect.gen(function* () {
      for (const warning of config.warnings) yield* Effect.logWarning(warning)
      const { url } = yield* Server
      if (!config.roles.has("api")) return yield* Effect.logInfo(`Playhead works on jobs and serves no API: whether it is fit to is at ${url}/readyz`)
      const keys = yield* ApiKeys
      if (config.auth === "keys" && config.adminKey === undefined && config.jwt === undefined && (yield* keys.list).length === 0) {
        yield* Effect.logWarning("Keys are required and there is none: nobody can use the API. Set PLAYHEAD_ADMIN_KEY to make the first one.")
      }
      yield* Effect.logInfo(`Playhead is ready: GraphiQL is at ${url}/graphql`)
    })
  )
  return greeting.pipe(Layer.provideMerge(server), Layer.provideMerge(work), Layer.provideMerge(features), Layer.provideMerge(errorTracker), Layer.provideMerge(telemetry), Layer.provideMerge(Metrics.registry))
}
