/** The closed lists of the domain, each value with what it means. */
import { ErrorCode } from "../domain/ErrorCode.ts"
import { errorCatalog } from "../domain/errorCatalog.ts"
import { ProviderErrorReason } from "../domain/errors.ts"
import { JobKind, JobPriority, JobStatus, StageName, StageStatus } from "../domain/Job.ts"
import { Capability } from "../domain/Provider.ts"
import { ArtifactRole, AudioFormat, QualityTier, TrackSourceKind, TrackStatus } from "../domain/Track.ts"
import { Scope } from "../domain/Viewer.ts"
import { WebhookTopic } from "../domain/Webhook.ts"
import { TrackOrderField } from "../persistence/reads/trackOrder.ts"
import { builder } from "./builder.ts"

const values = <const Value extends string>(literals: ReadonlyArray<Value>, descriptions: { readonly [V in Value]: string }) =>
  Object.fromEntries(literals.map((value) => [value, { value, description: descriptions[value] }])) as { [V in Value]: { value: V; description: string } }

const documentationOf = Object.fromEntries(Object.values(errorCatalog).map(({ code, documentation }) => [code, documentation]))

export const ErrorCodeEnum = builder.enumType("ErrorCode", {
  description: "What went wrong, for programs. A code never changes its meaning.",
  values: values(ErrorCode.literals, {
    ...(documentationOf as { readonly [Code in ErrorCode]: string }),
    UNAUTHENTICATED: "Who asks is not known. A top-level error, not a member of any union.",
    FORBIDDEN: "Who asks may not do that. A top-level error, not a member of any union."
  })
})

export const ProviderErrorReasonEnum = builder.enumType("ProviderErrorReason", {
  description: "In which way an outside service failed.",
  values: values(ProviderErrorReason.literals, {
    RATE_LIMITED: "It asked to send fewer requests.",
    TIMED_OUT: "It did not answer in time.",
    UNAVAILABLE: "It could not be reached, or said that it is out of order.",
    REJECTED: "It refused the request, and would do so again.",
    CIRCUIT_OPEN: "It failed so often lately that it was not asked.",
    INVALID_RESPONSE: "Its answer could not be understood."
  })
})

export const JobKindEnum = builder.enumType("JobKind", {
  description: "What a job does.",
  values: values(JobKind.literals, {
    IMPORT: "Brings audio into the library and analyses it.",
    ENHANCE: "Removes noise and brings loudness to a target.",
    SEPARATE: "Separates vocals and instrumental.",
    GENERATE: "Generates sound from a prompt.",
    TRANSCRIBE: "Turns speech into text that can be searched.",
    TRIM: "Cuts silence off both ends.",
    TRANSCODE: "Converts to another format.",
    LYRICS: "Finds lyrics."
  })
})

export const JobStatusEnum = builder.enumType("JobStatus", {
  description: "Where a job stands. SUCCEEDED, FAILED and CANCELLED are final.",
  values: values(JobStatus.literals, {
    QUEUED: "Waits for a free worker.",
    RUNNING: "A worker is at it.",
    WAITING: "An outside event is awaited: a webhook, or the end of a retry's delay.",
    CANCELLING: "Cancellation was asked for, and the worker has not yet stopped.",
    SUCCEEDED: "Every stage is done.",
    FAILED: "A stage failed for good; `failure` says how.",
    CANCELLED: "It was cancelled, nothing of it runs any more, and nothing half done is left."
  })
})

export const JobPriorityEnum = builder.enumType("JobPriority", {
  description: "Which jobs go first.",
  values: values(JobPriority.literals, { LOW: "After all others.", NORMAL: "In the order of submission.", HIGH: "Before all others." })
})

export const StageNameEnum = builder.enumType("StageName", {
  description: "The steps that jobs are made of.",
  values: values(StageName.literals, {
    VALIDATE: "Checks the source.",
    DOWNLOAD: "Brings the bytes into the store.",
    PROBE: "Finds out by content what the file is.",
    METADATA: "Reads tags and cover.",
    STORE: "Makes the file an artifact of its track.",
    ANALYZE: "Decodes the audio once for duration, loudness, waveform and fingerprint.",
    FINGERPRINT: "Compares with the recordings that the library has.",
    SEPARATE: "Separates vocals and instrumental.",
    DENOISE: "Removes noise.",
    NORMALIZE: "Brings loudness and true peak to their targets.",
    TRIM: "Cuts silence off both ends.",
    TRANSCODE: "Converts to another format.",
    MEASURE: "Measures the result against its thresholds.",
    REQUEST: "Asks a provider for work.",
    AWAIT_WEBHOOK: "Waits for the provider to say that the work is done.",
    FETCH_RESULT: "Fetches what the provider made.",
    SPLIT: "Cuts long audio into parts at silences.",
    TRANSCRIBE: "Turns speech into text.",
    CHUNK: "Divides the text into passages.",
    EMBED: "Computes the vectors by which passages are found.",
    LYRICS: "Finds lyrics.",
    FINALIZE: "Makes the result visible."
  })
})

export const StageStatusEnum = builder.enumType("StageStatus", {
  description: "Where a stage stands.",
  values: values(StageStatus.literals, {
    PENDING: "Has not begun, or waits to be tried again.",
    RUNNING: "Is being worked on.",
    SUCCEEDED: "Is done.",
    REUSED: "Was done by an earlier job whose result was taken over.",
    SKIPPED: "Was not needed, or not reached because an earlier stage failed.",
    FAILED: "Failed for good.",
    CANCELLED: "Was stopped, or never begun, because the job was cancelled."
  })
})

export const TrackStatusEnum = builder.enumType("TrackStatus", {
  description: "Whether a track can be used.",
  values: values(TrackStatus.literals, {
    PENDING: "Its import waits to begin.",
    PROCESSING: "Its import is under way.",
    READY: "It can be played, searched and processed.",
    FAILED: "Its import came to nothing; its latest job says why."
  })
})

export const TrackSourceKindEnum = builder.enumType("TrackSourceKind", {
  description: "Where a track came from.",
  values: values(TrackSourceKind.literals, {
    UPLOAD: "A client sent it.",
    URL: "It was fetched from an address.",
    FILE: "It was a file of the server's import directory.",
    VIDEO_PAGE: "It was taken from a page with a video.",
    GENERATED: "It was generated from a prompt."
  })
})

export const ArtifactRoleEnum = builder.enumType("ArtifactRole", {
  description: "What a file is to its track.",
  values: values(ArtifactRole.literals, {
    ORIGINAL: "The audio as it was imported.",
    VOCALS: "The voices alone.",
    INSTRUMENTAL: "Everything but the voices.",
    ENHANCED: "Denoised and brought to a target loudness.",
    TRIMMED: "Without the silence at both ends.",
    TRANSCODED: "In another format.",
    GENERATED: "Generated from a prompt.",
    COVER: "The cover picture."
  })
})

export const AudioFormatEnum = builder.enumType("AudioFormat", {
  description: "What audio can be converted to.",
  values: values(AudioFormat.literals, {
    MP3: "MPEG audio layer III.",
    FLAC: "Lossless, compressed.",
    WAV: "Lossless, uncompressed.",
    AAC: "AAC in an MP4 container (.m4a).",
    OPUS: "Opus in an Ogg container (.opus).",
    OGG: "Vorbis in an Ogg container (.ogg)."
  })
})

export const QualityTierEnum = builder.enumType("QualityTier", {
  description: "The rung of a ladder of methods, best first.",
  values: values(QualityTier.literals, { HIGH: "The best method.", MEDIUM: "A good one.", BASIC: "The one that always works." })
})

export const WebhookTopicEnum = builder.enumType("WebhookTopic", {
  description: "What a receiver of webhooks can be told of. In the message, JOB_SUCCEEDED is `job.succeeded`, and so on.",
  values: values(WebhookTopic.literals, {
    JOB_SUCCEEDED: "A job is done.",
    JOB_FAILED: "A job failed for good.",
    JOB_CANCELLED: "A job was cancelled, and nothing of it runs any more.",
    INCIDENT_OPENED: "Something is wrong with the server or with what it depends on.",
    INCIDENT_RESOLVED: "An incident is over."
  })
})

export const TrackOrderFieldEnum = builder.enumType("TrackOrderField", {
  description: "What tracks can be ordered by. Case and accents do not matter.",
  values: values(TrackOrderField.literals, {
    CREATED_AT: "When it was added.",
    UPDATED_AT: "When it last changed.",
    TITLE: "Its title.",
    ARTIST: "Who performs it.",
    ALBUM: "The album it is on.",
    YEAR: "The year of its release.",
    DURATION: "How long it is.",
    RELEVANCE: "How well it fits the search, the edge's `score`; without a search, when it was added."
  })
})

export const OrderDirectionEnum = builder.enumType("OrderDirection", {
  description: "Which end comes first.",
  values: { ASC: { value: "ASC", description: "The smallest, the earliest, A." }, DESC: { value: "DESC", description: "The greatest, the latest, Z." } } as const
})

export const CapabilityEnum = builder.enumType("Capability", {
  description: "What a provider is good for.",
  values: values(Capability.literals, {
    SEPARATION: "Separates vocals and instrumental.",
    ENHANCEMENT: "Removes noise.",
    GENERATION: "Generates sound.",
    TRANSCRIPTION: "Turns speech into text.",
    EMBEDDING: "Computes the vectors by which passages are found.",
    RERANKING: "Orders passages by how well they answer.",
    ANSWERING: "Answers questions from passages.",
    METADATA: "Knows titles, artists and covers.",
    LYRICS: "Knows lyrics.",
    VIDEO_PAGE: "Takes the audio from pages with a video."
  })
})

export const CircuitStateEnum = builder.enumType("CircuitState", {
  description: "Whether calls are made to a provider.",
  values: {
    CLOSED: { value: "CLOSED", description: "They are." },
    OPEN: { value: "OPEN", description: "It failed so often in a row that none are made for a while." },
    HALF_OPEN: { value: "HALF_OPEN", description: "The next one shows whether it works again." }
  } as const
})

export const ApiKeyScopeEnum = builder.enumType("ApiKeyScope", {
  description: "What a key may do. Each scope includes the ones before it.",
  values: values(Scope.literals, {
    READ: "See everything: tracks, jobs, media, health.",
    WRITE: "Change the library and start work.",
    ADMIN: "Decide who may do what."
  })
})
