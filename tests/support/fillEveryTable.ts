import type { SqlEntityManager } from "@mikro-orm/sql"
import { ApiKeyEntity } from "../../src/persistence/entities/ApiKeyEntity.ts"
import { ArtifactEntity } from "../../src/persistence/entities/ArtifactEntity.ts"
import { BlobEntity } from "../../src/persistence/entities/BlobEntity.ts"
import { FailureHourEntity } from "../../src/persistence/entities/FailureHourEntity.ts"
import { FailureMinuteEntity } from "../../src/persistence/entities/FailureMinuteEntity.ts"
import { FailingStoreEntity } from "../../src/persistence/entities/FailingStoreEntity.ts"
import { IncidentEntity } from "../../src/persistence/entities/IncidentEntity.ts"
import { ProviderCircuitEntity } from "../../src/persistence/entities/ProviderCircuitEntity.ts"
import { ProviderUsageEntity } from "../../src/persistence/entities/ProviderUsageEntity.ts"
import { FingerprintEntity } from "../../src/persistence/entities/FingerprintEntity.ts"
import { JobBlobEntity } from "../../src/persistence/entities/JobBlobEntity.ts"
import { JobEntity } from "../../src/persistence/entities/JobEntity.ts"
import { JobEventEntity } from "../../src/persistence/entities/JobEventEntity.ts"
import { JobStageEntity } from "../../src/persistence/entities/JobStageEntity.ts"
import { RateLimitEntity } from "../../src/persistence/entities/RateLimitEntity.ts"
import { SearchGramEntity } from "../../src/persistence/entities/SearchGramEntity.ts"
import { SigningSecretEntity } from "../../src/persistence/entities/SigningSecretEntity.ts"
import { TrackEntity } from "../../src/persistence/entities/TrackEntity.ts"
import { UploadEntity } from "../../src/persistence/entities/UploadEntity.ts"
import { WaveformEntity } from "../../src/persistence/entities/WaveformEntity.ts"
import { WebhookDeliveryEntity } from "../../src/persistence/entities/WebhookDeliveryEntity.ts"
import { WebhookEndpointEntity } from "../../src/persistence/entities/WebhookEndpointEntity.ts"

/** Two rows or more in each table, with references between them, as one unit of work. */
export const fillEveryTable = async (em: SqlEntityManager): Promise<void> => {
  const createdAt = new Date("2026-01-01T00:00:00.123Z")
  const updatedAt = createdAt
  for (const n of [1, 2]) {
    const id = (kind: number) => `00000000-0000-7000-800${kind}-00000000000${n}`
    const sha256 = String(n).repeat(64)
    em.create(TrackEntity, {
      id: id(1),
      status: "READY",
      sourceKind: "URL",
      title: `Track ${n}`,
      genres: ["Dub"],
      createdAt,
      updatedAt
    })
    em.create(BlobEntity, { sha256, sizeBytes: 5_000_000_000, createdAt })
    em.create(JobEntity, {
      id: id(2),
      kind: "IMPORT",
      status: "SUCCEEDED",
      priority: 1,
      trackId: id(1),
      options: { n },
      retryOf: n === 1 ? null : "00000000-0000-7000-8002-000000000001",
      createdAt,
      updatedAt
    })
    em.create(JobStageEntity, {
      jobId: id(2),
      position: 0,
      name: "VALIDATE",
      status: "SUCCEEDED",
      output: ["an", "array"]
    })
    em.create(JobEventEntity, {
      jobId: id(2),
      sequence: 1,
      kind: "JobQueuedEvent",
      data: {},
      dedupeKey: "queued",
      at: createdAt
    })
    em.create(SearchGramEntity, { gram: `ab${n}`, length: 3, word: `ab${n}` })
    em.create(JobBlobEntity, { jobId: id(2), sha256, createdAt })
    em.create(ProviderCircuitEntity, { provider: `p${n}`, openedAt: createdAt, openUntil: createdAt, closedAt: n === 1 ? null : createdAt })
    em.create(ProviderUsageEntity, { provider: `p${n}`, metric: "requests", windowStart: createdAt, used: 1.5 })
    const failureSum = { code: "STORAGE_FAILED", stage: `S${n}`, provider: "", count: 2, unhandled: 0, recovered: 1, recoveryMs: 12.5, lastSeenAt: createdAt, sampleJobId: id(2) }
    em.create(FailureMinuteEntity, { minute: createdAt, ...failureSum })
    em.create(FailureHourEntity, { hour: createdAt, ...failureSum })
    em.create(IncidentEntity, { id: id(5), subject: `circuit:p${n}`, cause: "open", provider: `p${n}`, openedAt: createdAt, resolvedAt: null, errorCount: n, changedAt: createdAt })
    em.create(FailingStoreEntity, { node: `host:${n}`, name: "storage", failingSince: createdAt, seenAt: createdAt })
    em.create(UploadEntity, { id: id(4), sizeBytes: 5_000_000_000, metadata: { filename: "a.flac" }, sha256, createdAt, expiresAt: createdAt })
    em.create(ApiKeyEntity, { id: id(5), name: "Studio", prefix: `playhead_${n}`, tokenHash: sha256, scopes: ["READ", "WRITE"], createdAt, expiresAt: createdAt })
    em.create(SigningSecretEntity, { purpose: `media ${n}`, secret: "c2VjcmV0", createdAt })
    em.create(RateLimitEntity, { account: `jobs ${n}`, fullAt: createdAt })
    em.create(ArtifactEntity, {
      id: id(3),
      trackId: id(1),
      role: "ORIGINAL",
      sha256,
      mediaType: "audio/flac",
      sizeBytes: 5_000_000_000,
      jobId: id(2),
      createdAt
    })
    em.create(WebhookEndpointEntity, { id: id(5), url: "https://receiver.example/", topics: ["JOB_FAILED"], secret: "whsec_AAAA", createdAt })
    em.create(WebhookDeliveryEntity, { id: id(6), endpointId: id(5), topic: "JOB_FAILED", body: "{}", createdAt, retryUntil: createdAt })
    em.create(WaveformEntity, { artifactId: id(3), samplesPerPixel: 256, sha256 })
    em.create(FingerprintEntity, { trackId: id(1), durationMs: 1000, hashes: [-1, 2 ** 31 - 1], terms: [1, 2] })
  }
  await em.flush()
}
