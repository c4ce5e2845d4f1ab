import type { Capability, ProviderName } from "../../domain/Provider.ts"
import type { QualityTier } from "../../domain/Track.ts"

/** How the calls to one provider are made: everything that the guard does is said here. */
export interface ProviderPolicy {
  readonly capability: Capability
  /** The rung of its capability's ladder; null where there is only one way. */
  readonly tier: QualityTier | null
  /** Of each try. */
  readonly timeoutMs: number
  /** Tries in all of one call. What is still failing then is the caller's: a job waits and comes back. */
  readonly tries: number
  /** The pause before the second try; doubled before each further one, up to half taken off at random. */
  readonly firstPauseMs: number
  /** Whoever asks for a longer pause than this is not waited for within a call. */
  readonly longestPauseMs: number
  /** Calls that fail in a row before no more are made. */
  readonly failuresToOpen: number
  /** How long none are made then, before one is let through as a probe. */
  readonly openForMs: number
}

const service: Omit<ProviderPolicy, "capability"> = {
  tier: null,
  timeoutMs: 60_000,
  tries: 4,
  firstPauseMs: 500,
  longestPauseMs: 10_000,
  failuresToOpen: 5,
  openForMs: 60_000
}

/** A way of doing the work on this machine: the same input fails again, so it is tried once; ffmpeg and workers have their own time limits. */
const local: Omit<ProviderPolicy, "capability"> = { ...service, tries: 1, timeoutMs: 3_600_000 }

/** Of every provider there is. */
export const providerPolicies: { readonly [N in ProviderName]: ProviderPolicy } = {
  "sherpa-onnx": { ...local, capability: "ENHANCEMENT", tier: "HIGH" },
  rnnoise: { ...local, capability: "ENHANCEMENT", tier: "MEDIUM" },
  afftdn: { ...local, capability: "ENHANCEMENT", tier: "BASIC" },
  // It tries again by itself, and the download has a time limit of its own.
  "yt-dlp": { ...local, capability: "VIDEO_PAGE" },
  // A help and no more: an import does not wait long for it.
  itunes: { ...service, capability: "METADATA", timeoutMs: 10_000, tries: 2, firstPauseMs: 300, longestPauseMs: 1000 }
}
