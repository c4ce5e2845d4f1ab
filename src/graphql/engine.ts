/** How an operation is parsed, limited and executed: the same for every transport. */
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  type GraphQLError,
  type GraphQLSchema,
  mapSourceToResponseEvent,
  parse,
  validate,
  validateSubscriptionArgs
} from "graphql"
import { isAsyncIterable, type Plugin } from "graphql-yoga"
import type { Context } from "effect"
import type { Viewer } from "../domain/Viewer.ts"
import { forbidden } from "./access/requiredScope.ts"
import { makeDocuments } from "./documents.ts"
import { execute } from "./execution/execute.ts"
import type { Arrival, GraphQLContext } from "./GraphQLContext.ts"
import { brokenLimits, maxTokens } from "./limits.ts"
import { makeLoaders } from "./loaders.ts"
import { observed } from "./observed.ts"
import { countOperation } from "./operationMetrics.ts"
import { operationSummary } from "./rootField.ts"
import { pulledAnswers, pushedAnswers } from "./streams/answers.ts"
import { makeBroadcasts, type MaskError } from "./streams/broadcasts.ts"
import { Watched } from "./streams/Watched.ts"

/**
 * As graphql-js does it, but a feed is read by all who subscribe alike together (see streams/), and of other sources each
 * event is resolved with loaders of its own: what an earlier event read is out of date.
 */
const makeSubscribe = (maskError: MaskError) => {
  const broadcastOf = makeBroadcasts(maskError)
  return async (args: ExecutionArgs) => {
    const validated = validateSubscriptionArgs(args)
    if (!("operation" in validated)) return { errors: validated }
    const events = await createSourceEventStream(validated)
    if (!isAsyncIterable(events)) return events
    if (events instanceof Watched) {
      const { receiver } = validated.contextValue as GraphQLContext
      const broadcast = broadcastOf(events, validated)
      return receiver === undefined ? pulledAnswers(broadcast, events.after) : pushedAnswers(broadcast, events.after, receiver)
    }
    return mapSourceToResponseEvent(validated, events, (event) => {
      const context = event.contextValue as GraphQLContext
      return executeSubscriptionEvent({ ...event, contextValue: { ...context, loaders: makeLoaders(context.services) } })
    })
  }
}

/** What a transport puts into an operation's context before it is executed. */
interface Sent {
  readonly viewer: Viewer
  /** The answer of `knownQuery`, where it is only to be sent. */
  readonly answered?: ExecutionResult
  readonly params?: { readonly operationName?: string | null; readonly variables?: Readonly<Record<string, unknown>> | null }
}

export interface Engine {
  readonly plugin: Plugin
  readonly documents: ReturnType<typeof makeDocuments>
  /**
   * How a query of this text is answered; undefined unless an operation of the same text was found valid before, and this
   * one asks for no more than it may. Then nothing was done: the plugin does it all and says why.
   */
  readonly knownQuery: (text: string, sent: NonNullable<Sent["params"]>, viewer: Viewer) => ((arrival: Arrival) => Promise<ExecutionResult>) | undefined
}

// Yoga's own executor does not know the default values of version 17 in every place.
export const makeEngine = (maskError: MaskError, services: Context.Context<never>, schema: GraphQLSchema): Engine => {
  const subscribe = makeSubscribe(maskError)
  /** Documents are parsed once and kept, and so is whether they are valid; what depends on the request is looked at each time. */
  const validated = new WeakMap<DocumentNode, ReadonlyArray<GraphQLError>>()
  const validateOnce: typeof validate = (schema, document, ...rest) => {
    const errors = validated.get(document) ?? validate(schema, document, ...rest)
    validated.set(document, errors)
    return errors
  }
  const documents = makeDocuments()
  const knownQuery: Engine["knownQuery"] = (text, { operationName, variables }, viewer) => {
    const document = documents.get(text)
    if (document === undefined || validated.get(document)?.length !== 0) return undefined
    if (operationSummary(document, operationName)?.type !== "query") return undefined
    if (brokenLimits(schema, document, operationName, variables ?? {}).length > 0 || forbidden(schema, document, operationName, viewer) !== undefined) return undefined
    return (contextValue) => observed({ schema, document, operationName, variableValues: variables, contextValue }, execute)
  }
  const refused = () => countOperation("unknown", "(invalid)", "refused", services)
  const plugin: Plugin = {
    onParse: ({ setParseFn }) => {
      setParseFn((source: string, options: object) => parse(source, { ...options, maxTokens }))
      return ({ result }) => {
        if (result instanceof Error) refused()
      }
    },
    onValidate: ({ context, params, setValidationFn }) => {
      setValidationFn(validateOnce)
      return ({ setResult, valid }) => {
        if (!valid) return refused()
        const { params: { operationName, variables } = {}, viewer } = context as unknown as Sent
        const broken = brokenLimits(params.schema, params.documentAST as DocumentNode, operationName, variables ?? {})
        const beyond = forbidden(params.schema, params.documentAST as DocumentNode, operationName, viewer)
        if (broken.length === 0 && beyond === undefined) return
        setResult(beyond === undefined ? [...broken] : [beyond])
        refused()
      }
    },
    onExecute: ({ args, setExecuteFn }) => {
      const { answered } = args.contextValue as unknown as Sent
      setExecuteFn(answered === undefined ? (args: ExecutionArgs) => observed(args, execute) : () => answered)
    },
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn((args: ExecutionArgs) => observed(args, subscribe))
  }
  return { plugin, documents, knownQuery }
}
