import { ApiKeyEntity } from "./ApiKeyEntity.ts"
import { ArtifactEntity } from "./ArtifactEntity.ts"
import { BlobEntity } from "./BlobEntity.ts"
import { FailingStoreEntity } from "./FailingStoreEntity.ts"
import { FailureHourEntity } from "./FailureHourEntity.ts"
import { FailureMinuteEntity } from "./FailureMinuteEntity.ts"
import { FingerprintEntity } from "./FingerprintEntity.ts"
import { IncidentEntity } from "./IncidentEntity.ts"
import { JobBlobEntity } from "./JobBlobEntity.ts"
import { JobEntity } from "./JobEntity.ts"
import { JobEventEntity } from "./JobEventEntity.ts"
import { JobStageEntity } from "./JobStageEntity.ts"
import { ProviderCircuitEntity } from "./ProviderCircuitEntity.ts"
import { ProviderUsageEntity } from "./ProviderUsageEntity.ts"
import { RateLimitEntity } from "./RateLimitEntity.ts"
import { SearchGramEntity } from "./SearchGramEntity.ts"
import { SigningSecretEntity } from "./SigningSecretEntity.ts"
import { TrackEntity } from "./TrackEntity.ts"
import { TrackWordsEntity } from "./TrackWordsEntity.ts"
import { UploadEntity } from "./UploadEntity.ts"
import { WaveformEntity } from "./WaveformEntity.ts"
import { WebhookDeliveryEntity } from "./WebhookDeliveryEntity.ts"
import { WebhookEndpointEntity } from "./WebhookEndpointEntity.ts"

/** Every table that is Playhead's own (the queue keeps its tables in a schema of its own). */
export const entities = [
  TrackEntity,
  BlobEntity,
  ArtifactEntity,
  WaveformEntity,
  FingerprintEntity,
  TrackWordsEntity,
  SearchGramEntity,
  JobEntity,
  JobStageEntity,
  JobEventEntity,
  JobBlobEntity,
  UploadEntity,
  ProviderCircuitEntity,
  ProviderUsageEntity,
  FailureHourEntity,
  FailureMinuteEntity,
  IncidentEntity,
  FailingStoreEntity,
  WebhookEndpointEntity,
  WebhookDeliveryEntity,
  ApiKeyEntity,
  SigningSecretEntity,
  RateLimitEntity
]
