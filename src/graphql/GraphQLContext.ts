import type { Context, Tracer } from "effect"
import type { Viewer } from "../domain/Viewer.ts"
import type { Wanted } from "../persistence/reads/wantedColumns.ts"
import type { Loaders } from "./loaders.ts"
import type { Services } from "./Services.ts"
import type { Receiver } from "./streams/Receiver.ts"

interface Surroundings {
  readonly services: Context.Context<Services>
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal | undefined
  /** Without a slash at its end; the links that the API hands out begin with it. */
  readonly publicUrl: string
  /** Who asks. Viewers of one scope get the same answers, from one run of equal subscriptions. */
  readonly viewer: Viewer
  /** Where a subscription's answers go; undefined where whoever began it takes them himself. */
  readonly receiver: Receiver | undefined
}

/** An operation as a transport hands it over. */
export interface Arrival extends Surroundings {
  /** What the operation can be found under in the log. */
  readonly requestId: string
  /** The client's own place in a trace, if it told one. */
  readonly caller: Tracer.ExternalSpan | undefined
}

/**
 * What a resolver has at hand: the services, which know on whose behalf they work; this operation's loaders; and whether
 * anybody still waits for the answer.
 */
export interface GraphQLContext extends Surroundings {
  readonly loaders: Loaders
  /** The fields that the operation asks for. */
  readonly wanted: Wanted
}
