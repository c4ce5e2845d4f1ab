/** The whole API on real sockets and a real database, with a library that a test speaks for. */
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Logger, ManagedRuntime, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { afterAll, beforeAll } from "vitest"
import { Access, type AccessSettings } from "../../src/access/Access.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import { MediaLinks } from "../../src/access/MediaLinks.ts"
import { RateLimits, type RateLimitSettings } from "../../src/access/RateLimits.ts"
import { Conversion } from "../../src/conversion/Conversion.ts"
import { Enhancement } from "../../src/enhancement/Enhancement.ts"
import { NotFoundError, SourceBlockedError, StorageError, TooLargeError } from "../../src/domain/errors.ts"
import { globalId } from "../../src/graphql/ids.ts"
import { Server, type ServerSettings } from "../../src/http/Server.ts"
import { JobEvents } from "../../src/jobs/JobEvents.ts"
import { JobKinds } from "../../src/jobs/JobKinds.ts"
import { Jobs } from "../../src/jobs/Jobs.ts"
import { Queue } from "../../src/jobs/Queue.ts"
import { Library } from "../../src/library/Library.ts"
import { TrackEvents } from "../../src/library/TrackEvents.ts"
import { Tracks } from "../../src/library/Tracks.ts"
import { FailureStatistics } from "../../src/operations/failures/FailureStatistics.ts"
import { Health, type NamedCheck } from "../../src/operations/Health.ts"
import { Incidents } from "../../src/operations/incidents/Incidents.ts"
import { budgetStore } from "../../src/operations/providers/budgetStore.ts"
import { Providers } from "../../src/operations/providers/Providers.ts"
import { sharedCircuits } from "../../src/operations/providers/sharedCircuits.ts"
import { Metrics } from "../../src/operations/metrics/Metrics.ts"
import { Webhooks } from "../../src/operations/webhooks/Webhooks.ts"
import { Database } from "../../src/persistence/Database.ts"
import { Guard } from "../../src/providers/guard/Guard.ts"
import { OutboundHttp } from "../../src/providers/outbound/OutboundHttp.ts"
import { Blobs } from "../../src/storage/Blobs.ts"
import { Uploads } from "../../src/storage/Uploads.ts"
import { localBlobStore } from "../../src/storage/localBlobStore.ts"
import { type EngineName, testDatabase } from "./database.ts"

export interface ReceivedUpload {
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface TestServerOptions {
  readonly settings?: Partial<ServerSettings>
  readonly checks?: ReadonlyArray<NamedCheck>
  readonly maxUploadBytes?: number
  readonly maxUnfinishedUploads?: number
  /** Nobody is asked who they are, unless given. */
  readonly access?: Partial<AccessSettings>
  readonly limits?: Partial<RateLimitSettings>
}

const uuid = (): string => {
  // Of version 7, as the application makes them: their order is that of creation.
  const time = Date.now().toString(16).padStart(12, "0")
  const rest = crypto.randomUUID().slice(19)
  sequence += 1
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, "0").slice(-3)}-${rest}`
}
let sequence = 0

/** What a node asks by itself, whoever asks it. */
const background = /^(?:jobs\.(?:due|endedWithin)|circuits\.(?:broken|open)|stores\.failing|incidents\.open|webhooks\.due|failures\.(?:add|forget)|budgets\.forget|uploads\.(?:expired|known))$/u

/** Starts before the tests of a `describe` and ends behind them. */
export const useTestServer = (engine: EngineName, options: TestServerOptions = {}) => {
  const maxUploadBytes = options.maxUploadBytes ?? 1_000_000
  const queries: Array<string> = []
  const uploads: Array<ReceivedUpload> = []
  const interrupted: Array<string> = []
  const directory = mkdtempSync(join(tmpdir(), "playhead-server-"))

  const countingDatabase = Layer.effect(
    Database,
    Effect.map(Database, (database) =>
      Database.of({
        ...database,
        query: (name, sql, params, options) => {
          if (!background.test(name)) queries.push(name)
          return database.query(name, sql, params, options)
        }
      }))
  ).pipe(Layer.provide(testDatabase(engine)))

  const library = Layer.effect(
    Library,
    Effect.map(Database, (database) => {
      const begin = (title: string) =>
        Effect.map(database.transaction((tx) => insertTrackWithJob(tx.query, { title })), (ids) => ({ ...ids, replayed: false }))
      return Library.of({
        importTrack: ({ source, title }) => {
          const from = "url" in source ? source.url : "file" in source ? source.file : "upload" in source ? source.upload : source.videoPage
          if (from.includes("blocked")) return Effect.fail(new SourceBlockedError({ message: "The address is private.", host: "blocked" }))
          if (from.includes("bug")) return Effect.die(new Error("a secret of the inside"))
          if (from.includes("slow")) return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push(from)))
          if (from.includes("missing")) return Effect.fail(new NotFoundError({ message: "There is no such file.", id: from }))
          return begin(title ?? "Imported")
        },
        uploadTrack: ({ file, title }) =>
          Effect.gen(function*() {
            const hash = createHash("sha256")
            let sizeBytes = 0
            yield* Stream.fromReadableStream({ evaluate: file.stream, onError: (cause) => new StorageError({ message: "The upload broke off.", cause }) }).pipe(
              Stream.runForEach((chunk) => {
                sizeBytes += chunk.length
                hash.update(chunk)
                return sizeBytes > maxUploadBytes ? Effect.fail(new TooLargeError({ message: "Too large.", limitBytes: maxUploadBytes })) : Effect.void
              })
            )
            uploads.push({ name: file.name, sizeBytes, sha256: hash.digest("hex") })
            return yield* begin(title ?? file.name)
          }).pipe(Effect.onError(() => Effect.sync(() => interrupted.push(file.name))))
      })
    })
  )

  const server = Server.layer({
    host: "127.0.0.1",
    port: 0,
    publicUrl: (port) => `http://127.0.0.1:${port}`,
    corsOrigins: ["https://app.example.org"],
    maxUploadBytes,
    ...options.settings
  })
  const health = Health.layer({ version: "1.2.3", checks: Effect.succeed(options.checks ?? [{ name: "database", run: Effect.succeed({ status: "HEALTHY" }) }]) })
  const metrics = Metrics.layer({ version: "1.2.3", sources: Effect.succeed([]) })
  const jobs = Jobs.layer.pipe(
    Layer.provide(Layer.mergeAll(Queue.layer, Blobs.layer, Layer.succeed(JobKinds, new Map()), SecureRandom.layerWebCrypto))
  )
  const uploading = Uploads.layer({ directory: join(directory, "uploads"), expiryMs: 86_400_000, maxUnfinished: options.maxUnfinishedUploads ?? 100 }).pipe(Layer.provide(Blobs.layer))
  const tracks = Tracks.layer.pipe(Layer.provide(Blobs.layer))
  const access = MediaLinks.layer({ lifetimeMs: 60_000 }).pipe(
    Layer.provideMerge(Access.layer({ auth: "none", adminKey: undefined, jwt: undefined, ...options.access })),
    Layer.provideMerge(ApiKeys.layer),
    Layer.provideMerge(RateLimits.layer({ requestsPerMinute: 0, jobsPerMinute: 0, ...options.limits })),
    Layer.provide(OutboundHttp.layer({ allowedSources: [{ host: "127.0.0.1", port: undefined }] })),
    Layer.provide(SecureRandom.layerWebCrypto)
  )
  const operations = Layer.mergeAll(Providers.layer, Incidents.layer({ objective: 0.99, onIncident: () => Effect.void })).pipe(
    Layer.provide(Guard.layer({ configured: new Set(["afftdn"]), budgets: [] })),
    Layer.provide(Layer.mergeAll(sharedCircuits, budgetStore, SecureRandom.layerWebCrypto)),
    Layer.provideMerge(FailureStatistics.layer)
  )
  const webhooks = Webhooks.layer.pipe(Layer.provide(Layer.merge(OutboundHttp.layer({ allowedSources: [] }), SecureRandom.layerWebCrypto)))
  const services = Layer.mergeAll(access, library, jobs, tracks, TrackEvents.layer, Conversion.layer.pipe(Layer.provide(jobs)), Enhancement.layer({ hasSpeechModel: false }).pipe(Layer.provide(jobs)), JobEvents.layer, operations, webhooks, health, metrics, uploading).pipe(
    Layer.provideMerge(localBlobStore({ directory })),
    Layer.provideMerge(countingDatabase)
  )
  const logs: Array<string> = []
  const logging = Logger.layer([Logger.map(Logger.formatJson, (line) => { logs.push(line) })])
  const runtime = ManagedRuntime.make(Layer.provideMerge(server, services).pipe(Layer.provideMerge(logging)))

  let base = ""
  beforeAll(async () => {
    base = (await runtime.runPromise(Server)).url
  }, 120_000)
  afterAll(async () => {
    await runtime.dispose()
    rmSync(directory, { recursive: true, force: true })
  })

  const sql = <Row extends object>(text: string, params: ReadonlyArray<unknown> = []) =>
    runtime.runPromise(Effect.flatMap(Database, (database) => database.transaction((tx) => tx.query<Row>(text, params))))

  return {
    runtime,
    /** What was logged, as JSON, one entry a line. */
    logs,
    queries,
    uploads,
    interrupted,
    url: (path = "/graphql") => `${base}${path}`,
    sql,
    graphql: async (query: string, variables: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<GraphQLAnswer> => {
      const response = await fetch(`${base}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ query, variables })
      })
      return { status: response.status, ...await response.json() as object }
    },
    insertTrack: (values: TrackValues = {}) => runtime.runPromise(Effect.flatMap(Database, (database) => database.transaction((tx) => insertTrackWithJob(tx.query, values)))),
    insertArtifact: async (trackId: string, role = "ORIGINAL") => {
      const id = uuid()
      const sha256 = createHash("sha256").update(id).digest("hex")
      await sql("insert into blob (sha256, size_bytes, created_at) values ($1, 5000000000, now())", [sha256])
      await sql(
        `insert into artifact (id, track_id, role, sha256, media_type, size_bytes, integrated_lufs, true_peak_dbtp, range_lu, created_at)
         values ($1, $2, $3, $4, 'audio/flac', 5000000000, -14, -1, 6, now())`,
        [id, trackId, role, sha256]
      )
      await sql("insert into waveform (artifact_id, samples_per_pixel, sha256) values ($1, 256, $2), ($1, 1024, $2)", [id, sha256])
      return id
    },
    /** Adds an event to a job's log as its worker does: row, event and notice in one transaction. */
    appendEvent: (jobId: string, kind: string, data: object = {}, status = "RUNNING") =>
      runtime.runPromise(Effect.flatMap(Database, (database) =>
        database.transaction((tx) =>
          Effect.gen(function*() {
            const [job] = yield* tx.query<{ last: number }>("update job set last_sequence = last_sequence + 1, status = $2, updated_at = now() where id = $1 returning last_sequence as last", [jobId, status])
            yield* tx.query(
              "insert into job_event (job_id, sequence, kind, data, dedupe_key, at) values ($1, $2, $3, $4::jsonb, $5, now())",
              [jobId, job?.last ?? 0, kind, JSON.stringify(data), `${job?.last}`]
            )
            yield* tx.notify("playhead_job", jobId)
          })
        )))
  }
}

export type TestServer = ReturnType<typeof useTestServer>

export interface GraphQLAnswer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly data?: any
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  readonly errors?: ReadonlyArray<any>
}

export interface TrackValues {
  readonly title?: string
  readonly artist?: string
  readonly status?: string
  readonly tags?: ReadonlyArray<string>
  readonly year?: number
}

type Query = <Row extends object>(sql: string, params?: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Row>>

/** A track with its import, which is queued and has one stage and one event. */
const insertTrackWithJob = Effect.fnUntraced(function*(query: Query, { artist, status = "PENDING", tags = [], title = "A song", year }: TrackValues) {
  const trackId = uuid()
  const jobId = uuid()
  yield* query(
    `insert into track (id, status, source_kind, source_url, title, artist, tags, year, size_bytes, created_at, updated_at)
     values ($1, $2, 'URL', 'https://example.org/a.mp3', $3, $4, $5, $6, 5000000000, now(), now())`,
    [trackId, status, title, artist ?? null, tags, year ?? null]
  )
  yield* query(
    `insert into job (id, kind, status, priority, track_id, options, last_sequence, created_at, updated_at)
     values ($1, 'IMPORT', 'QUEUED', 1, $2, '{}', 1, now(), now())`,
    [jobId, trackId]
  )
  yield* query("insert into job_stage (job_id, position, name, status) values ($1, 0, 'DOWNLOAD', 'PENDING')", [jobId])
  yield* query("insert into job_event (job_id, sequence, kind, data, dedupe_key, at) values ($1, 1, 'JobQueuedEvent', '{}', 'queued', now())", [jobId])
  return { trackId, jobId }
})

export const trackId = (id: string): string => globalId("Track", id)
export const jobId = (id: string): string => globalId("Job", id)
export const artifactId = (id: string): string => globalId("Artifact", id)
