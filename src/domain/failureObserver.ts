/** Where failures and recoveries are told of as they happen, for whoever keeps the statistics. Telling is quick and cannot fail. */
import { Context } from "effect"
import type { ErrorCode } from "./ErrorCode.ts"
import type { StageName } from "./Job.ts"

export interface FailureKey {
  readonly code: ErrorCode
  readonly stage: StageName | null
  readonly provider: string | null
}

export interface ObservedFailure extends FailureKey {
  /** The bare id of the job that it happened to. */
  readonly jobId: string | null
  /** Whether it was one of the expected failures; else nobody had thought of it. */
  readonly handled: boolean
}

export interface ObservedRecovery extends FailureKey {
  /** How many failures are made good by it. */
  readonly count: number
  /** From the first of them until now. */
  readonly afterMs: number
}

export interface FailureObserver {
  readonly failed: (failure: ObservedFailure) => void
  /** What had failed has succeeded since, without a person: by another try, or by a lesser way. */
  readonly recovered: (recovery: ObservedRecovery) => void
}

export const FailureObserver = Context.Reference<FailureObserver>("playhead/domain/FailureObserver", {
  defaultValue: () => ({ failed: () => {}, recovered: () => {} })
})
