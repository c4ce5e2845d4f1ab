/**
 * Reads of one operation, gathered: whatever a list of a hundred asks for its items is asked of the database once.
 * Nothing is remembered beyond that, because a subscription is one operation and lasts while the world goes on.
 */
import DataLoader from "dataloader"
import { type Context, Effect } from "effect"
import { Incidents } from "../operations/incidents/Incidents.ts"
import { apiKeysById } from "../persistence/reads/apiKeys.ts"
import { artifactsById, artifactsByTrack, waveformsByArtifact } from "../persistence/reads/artifacts.ts"
import { countJobsByTrack, type EventRecord, eventsByJob, type EventsRequest, jobPagesByTrack, jobsById, type JobRecord, latestJobByTrack, queuePositions, stagesByJob, stageSpeeds, type TrackJobsRequest } from "../persistence/reads/jobs.ts"
import { type Page, pageOf } from "../persistence/reads/page.ts"
import { tracksById } from "../persistence/reads/tracks.ts"
import { type WebhookDeliveriesRequest, type WebhookDeliveryRecord, webhookDeliveriesByEndpoint, webhookDeliveriesById, webhookEndpointsById } from "../persistence/reads/webhooks.ts"
import type { Wanted } from "../persistence/reads/wantedColumns.ts"
import type { Services } from "./Services.ts"

interface Asked {
  /** Which request of a batch a row answers, counted from 1. */
  readonly asked: number
}

/** `wanted` says which fields may be asked of what is read, where that is known. */
export const makeLoaders = (services: Context.Context<Services>, wanted?: Wanted) => {
  const run = Effect.runPromiseWith(services)
  type Read<Row> = (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Row>, never, Services>

  const one = <Row>(read: Read<Row>, key: (row: Row) => string | null) =>
    new DataLoader<string, Row | null>(async (ids) => {
      const rows = new Map((await run(read(ids))).map((row) => [key(row), row]))
      return ids.map((id) => rows.get(id) ?? null)
    }, { cache: false })

  const many = <Row>(read: Read<Row>, key: (row: Row) => string) =>
    new DataLoader<string, ReadonlyArray<Row>>(async (ids) => {
      const groups = Map.groupBy(await run(read(ids)), key)
      return ids.map((id) => groups.get(id) ?? [])
    }, { cache: false })

  /** For what has arguments of its own. */
  const asked = <Request, Row extends Asked, Found>(
    read: (requests: ReadonlyArray<Request>) => Effect.Effect<ReadonlyArray<Row>, never, Services>,
    found: (rows: ReadonlyArray<Row>, request: Request) => Found
  ) =>
    new DataLoader<Request, Found>(async (requests) => {
      const groups = Map.groupBy(await run(read(requests)), (row) => row.asked)
      return requests.map((request, index) => found(groups.get(index + 1) ?? [], request))
    }, { cache: false })

  return {
    track: one(tracksById, (track) => track.id),
    job: one(jobsById, (job) => job.id),
    latestJob: one((ids) => latestJobByTrack(ids, wanted), (job) => job.trackId),
    jobsOfTrack: asked(jobPagesByTrack, (rows, { page }: TrackJobsRequest): Page<JobRecord> => pageOf(rows, page)),
    jobCount: one(countJobsByTrack, (counted) => counted.trackId),
    jobEvents: asked<EventsRequest, EventRecord & Asked, ReadonlyArray<EventRecord>>(eventsByJob, (rows) => rows),
    queuePosition: one(queuePositions, (queued) => queued.id),
    apiKey: one(apiKeysById, (key) => key.id),
    artifact: one(artifactsById, (artifact) => artifact.id),
    incident: one((ids) => Effect.flatMap(Incidents, (incidents) => incidents.byId(ids)), (incident) => incident.id),
    stageSpeeds: many(stageSpeeds, (speed) => speed.kind),
    stages: many(stagesByJob, (stage) => stage.jobId),
    artifacts: many((ids) => artifactsByTrack(ids, wanted), (artifact) => artifact.trackId),
    waveforms: many(waveformsByArtifact, (waveform) => waveform.artifactId),
    webhookEndpoint: one(webhookEndpointsById, (endpoint) => endpoint.id),
    webhookDelivery: one(webhookDeliveriesById, (delivery) => delivery.id),
    /** The newest of an endpoint. */
    webhookDeliveries: asked<WebhookDeliveriesRequest, WebhookDeliveryRecord & Asked, ReadonlyArray<WebhookDeliveryRecord>>(webhookDeliveriesByEndpoint, (rows) => rows)
  }
}

export type Loaders = ReturnType<typeof makeLoaders>
