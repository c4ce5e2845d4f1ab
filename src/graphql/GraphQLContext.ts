/** What a resolver has at hand: the services, this operation's loaders, and whether anybody still waits for the answer. */
import type { Context } from "effect"
import type { Loaders } from "./loaders.ts"
import type { Services } from "./Services.ts"
import type { Receiver } from "./streams/Receiver.ts"

export interface GraphQLContext {
  readonly services: Context.Context<Services>
  readonly loaders: Loaders
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal | undefined
  /** Without a slash at its end; the links that the API hands out begin with it. */
  readonly publicUrl: string
  /** Names what the client may see: clients of one audience get the same answers, from one run of equal subscriptions. */
  readonly audience: string
  /** Where a subscription's answers go; undefined where whoever began it takes them himself. */
  readonly receiver: Receiver | undefined
}
