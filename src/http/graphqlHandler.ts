/** GraphQL over HTTP and server-sent events, by Yoga, and what the WebSocket needs of it. */
import { costLimitPlugin } from "@escape.tech/graphql-armor-cost-limit"
import { maxAliasesPlugin } from "@escape.tech/graphql-armor-max-aliases"
import { maxDepthPlugin } from "@escape.tech/graphql-armor-max-depth"
import { maxDirectivesPlugin } from "@escape.tech/graphql-armor-max-directives"
import { maxTokensPlugin } from "@escape.tech/graphql-armor-max-tokens"
import { renderGraphiQL } from "@graphql-yoga/render-graphiql"
import { Cause, type Context, Effect } from "effect"
import { GraphQLError } from "graphql"
import { createYoga } from "graphql-yoga"
import { incident } from "../graphql/bridge.ts"
import type { GraphQLContext, Services } from "../graphql/GraphQLContext.ts"
import { makeLoaders } from "../graphql/loaders.ts"
import { schema } from "../graphql/schema.ts"
import { graphiqlOptions } from "./graphiql.ts"

export interface GraphQLHandlerSettings {
  readonly services: Context.Context<Services>
  /** Known once the server listens. */
  readonly publicUrl: () => string
}

/** What a document may cost before it is run. The same for every transport, because Yoga's pipeline serves them all. */
const limits = [
  maxTokensPlugin({ n: 1000 }),
  maxDepthPlugin({ n: 10 }),
  maxAliasesPlugin({ n: 15, allowList: [] }),
  maxDirectivesPlugin({ n: 8 }),
  costLimitPlugin({ maxCost: 5000, objectCost: 2, scalarCost: 1, depthCostFactor: 1.5 })
]

/** Errors that were made for the client, by us or by GraphQL itself. */
const isForClient = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && (error.originalError === undefined || error.originalError === null || isForClient(error.originalError))

export const makeGraphQLHandler = ({ services, publicUrl }: GraphQLHandlerSettings) =>
  createYoga<object, GraphQLContext>({
    schema,
    graphqlEndpoint: "/graphql",
    landingPage: false,
    batching: false,
    cors: false,
    multipart: true,
    logging: false,
    graphiql: graphiqlOptions,
    renderGraphiQL,
    context: ({ request }): GraphQLContext => ({
      services,
      loaders: makeLoaders(services),
      signal: (request as Request | undefined)?.signal,
      publicUrl: publicUrl()
    }),
    maskedErrors: {
      maskError: (error) => {
        if (isForClient(error)) return error
        const cause = error instanceof GraphQLError ? error.originalError : error
        return Effect.runSyncWith(services)(Effect.map(incident(Cause.die(cause)), (masked) =>
          new GraphQLError(masked.message, { ...(error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {}), extensions: masked.extensions })))
      }
    },
    plugins: limits
  })

export type GraphQLHandler = ReturnType<typeof makeGraphQLHandler>
