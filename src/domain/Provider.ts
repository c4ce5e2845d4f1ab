/** Who does work for Playhead, outside or on this machine, and what they are good for. */
import { Schema } from "effect"

/** The names under which logs, metrics, settings and the API show them. */
export const ProviderName = Schema.Literals(["sherpa-onnx", "rnnoise", "afftdn", "itunes", "yt-dlp"])
export type ProviderName = typeof ProviderName.Type

export const Capability = Schema.Literals([
  "SEPARATION", "ENHANCEMENT", "GENERATION", "TRANSCRIPTION", "EMBEDDING", "RERANKING", "ANSWERING", "METADATA", "LYRICS", "VIDEO_PAGE"
])
export type Capability = typeof Capability.Type

/** What is bought of them. */
export const BudgetMetric = Schema.Literals(["requests", "tokens", "audio_seconds"])
export type BudgetMetric = typeof BudgetMetric.Type

/** At most so much of a provider in each window. Windows follow each other without a gap, beginning at 1970-01-01T00:00Z. */
export const Budget = Schema.Struct({
  provider: ProviderName,
  metric: BudgetMetric,
  limit: Schema.Int.check(Schema.isGreaterThan(0)),
  windowSeconds: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 366 * 86_400 }))
})
export type Budget = typeof Budget.Type
