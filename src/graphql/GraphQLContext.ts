/** What a resolver has at hand: the services, this operation's loaders, and whether anybody still waits for the answer. */
import type { Context } from "effect"
import type { JobEvents } from "../jobs/JobEvents.ts"
import type { Library } from "../library/Library.ts"
import type { Health } from "../operations/Health.ts"
import type { Database } from "../persistence/Database.ts"
import type { Loaders } from "./loaders.ts"

export type Services = Database | JobEvents | Library | Health

export interface GraphQLContext {
  readonly services: Context.Context<Services>
  readonly loaders: Loaders
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal | undefined
  /** Without a slash at its end; the links that the API hands out begin with it. */
  readonly publicUrl: string
}
