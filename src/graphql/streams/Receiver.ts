/** Where a subscription's answers go: to a socket, or to whoever iterates over them. */
import type { ExecutionResult } from "graphql"

/** One answer, made and serialised once for all who get it. */
export interface Payload {
  readonly result: ExecutionResult
  /** The result as JSON. */
  readonly json: Buffer
}

export interface Receiver {
  /** Whether it takes another payload now. */
  readonly ready: () => boolean
  readonly send: (payload: Payload) => void
  /** Calls `sends`, and may pass on together what that sends. */
  readonly batch: (sends: () => void) => void
  /** So many bytes more wait for the receiver, which are not to be left out. */
  readonly heldBack: (bytes: number) => void
  /** Nothing more comes; with the reason where that is a failure. */
  readonly end: (failure: Error | undefined) => void
  /** From now on `resume` is to be called whenever the receiver is ready again; returns how to stop. */
  readonly attach: (resume: () => void) => () => void
}
