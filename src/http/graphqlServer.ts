/** GraphQL over HTTP, and server-sent events for subscriptions; graphqlSocket.ts serves the same over WebSocket. */
import { Cause, type Context, Effect } from "effect"
import { GraphQLError } from "graphql"
import { createYoga, type GraphQLParams, type YogaServerInstance } from "graphql-yoga"
import type { Viewer } from "../domain/Viewer.ts"
import { incident } from "../graphql/bridge.ts"
import { makeEngine } from "../graphql/engine.ts"
import type { Arrival } from "../graphql/GraphQLContext.ts"
import { coded, isIntended } from "../graphql/intended.ts"
import type { Services } from "../graphql/Services.ts"
import { schema } from "../graphql/schema.ts"
import type { Receiver } from "../graphql/streams/Receiver.ts"
import type { Asked } from "./asked.ts"

export const graphqlPath = "/graphql"

/** Of JSON requests and of single WebSocket messages; uploads have their own. */
export const maxMessageBytes = 1_000_000

/** What the transports pass in. */
export interface Transport {
  /** By whom the operation is asked for. */
  readonly asked: Asked
  readonly viewer: Viewer
  /** What the body holds, read and parsed already. */
  readonly received?: GraphQLParams
  /** Aborted when the client goes away; over HTTP the request has it. */
  readonly signal?: AbortSignal
  /** Takes a subscription's answers; without one they are iterated over. */
  readonly receiver?: Receiver
}

export type GraphQLServer = YogaServerInstance<Transport, Arrival>

export const makeGraphQLServer = (services: Context.Context<Services>, publicUrl: () => string): GraphQLServer => {
  const maskError = (error: unknown): Error => {
    if (isIntended(error)) return coded(error)
    const located = error instanceof GraphQLError ? error : undefined
    const masked = Effect.runSyncWith(services)(incident(Cause.die(located?.cause ?? error)))
    return new GraphQLError(masked.message, { nodes: located?.nodes, path: located?.path, extensions: masked.extensions })
  }
  return createYoga<Transport, Arrival>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ asked, receiver, request, signal, viewer }: Transport & { readonly request?: Request }): Arrival => ({
      ...asked,
      services,
      signal: signal ?? request?.signal,
      publicUrl: publicUrl(),
      viewer,
      receiver
    }),
    // It would keep what the engine refuses, which depends on variables and on who asks.
    parserAndValidationCache: { validationCache: false },
    plugins: [
      makeEngine(maskError, services),
      {
        onRequestParse: ({ serverContext, setRequestParser }) => {
          const { received } = serverContext as Partial<Transport>
          if (received !== undefined) setRequestParser(() => received)
        }
      }
    ],
    maskedErrors: { maskError },
    // Bodies are read by jsonBody.ts and multipart.ts.
    maxRequestBodySize: false,
    batching: false,
    // Served by others: see multipart.ts, graphiql.ts, crossSite.ts.
    multipart: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    // What goes wrong is logged where it is masked.
    logging: false
  })
}
