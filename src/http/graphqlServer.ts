/** GraphQL over HTTP, and server-sent events for subscriptions; graphqlSocket.ts serves the same over WebSocket. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, type Context, Effect } from "effect"
import { type ExecutionResult, GraphQLError } from "graphql"
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
import { answerKnownQuery } from "./knownQuery.ts"

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
  /** The answer, where it is only to be sent. */
  readonly answered?: ExecutionResult | undefined
  /** Aborted when the client goes away; over HTTP the request has it. */
  readonly signal?: AbortSignal | undefined
  /** Takes a subscription's answers; without one they are iterated over. */
  readonly receiver?: Receiver
}

/** Yoga, for all that is asked. */
export type GraphQLServer = YogaServerInstance<Transport, Arrival>

export interface GraphQLServers {
  readonly graphql: GraphQLServer
  /** For what it was asked before: see knownQuery.ts. */
  readonly answerKnown: (request: IncomingMessage, response: ServerResponse, transport: Transport & { readonly received: GraphQLParams }) => ReturnType<typeof answerKnownQuery>
}

export const makeGraphQLServer = (services: Context.Context<Services>, publicUrl: () => string): GraphQLServers => {
  const maskError = (error: unknown): Error => {
    if (isIntended(error)) return coded(error)
    const located = error instanceof GraphQLError ? error : undefined
    const masked = Effect.runSyncWith(services)(incident(Cause.die(located?.cause ?? error)))
    return new GraphQLError(masked.message, { nodes: located?.nodes, path: located?.path, extensions: masked.extensions })
  }
  const engine = makeEngine(maskError, services, schema)
  const arrivalOf = ({ asked, receiver, signal, viewer }: Transport): Arrival => ({ ...asked, services, signal, publicUrl: publicUrl(), viewer, receiver })
  const graphql = createYoga<Transport, Arrival>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ request, ...transport }: Transport & { readonly request?: Request }): Arrival =>
      arrivalOf({ ...transport, signal: transport.signal ?? request?.signal }),
    // It would keep what the engine refuses, which depends on variables and on who asks.
    parserAndValidationCache: { documentCache: engine.documents, validationCache: false },
    plugins: [
      engine.plugin,
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
  return {
    graphql,
    answerKnown: (request, response, transport) => answerKnownQuery(engine, request, response, transport.received, arrivalOf(transport))
  }
}
