/** Finds the broadcast that a subscription is part of, or begins it. */
import { Effect } from "effect"
import { type ExecutionResult, executeSubscriptionEvent, type ValidatedSubscriptionArgs } from "graphql"
import { withoutOrigin } from "../../domain/Origin.ts"
import type { Viewer } from "../../domain/Viewer.ts"
import { explain, settle } from "../bridge.ts"
import type { GraphQLContext } from "../GraphQLContext.ts"
import { makeLoaders } from "../loaders.ts"
import { countSubscribers } from "../operationMetrics.ts"
import { type Broadcast, makeBroadcast } from "./Broadcast.ts"
import type { Payload } from "./Receiver.ts"
import { selectionKey } from "./selection.ts"
import type { Watched } from "./Watched.ts"

/** Hides what a client must not know of an error. */
export type MaskError = (error: unknown) => Error

const masked = (result: ExecutionResult, maskError: MaskError): ExecutionResult =>
  result.errors === undefined ? result : { ...result, errors: result.errors.map((error) => maskError(error) as typeof error) }

export const makeBroadcasts = (maskError: MaskError) => {
  const running = new Map<string, Broadcast>()

  /** The broadcast for equal subscriptions: of the same feed, with the same selection, for clients that may see the same. */
  return <A extends object>({ feed, release }: Watched<A>, validated: ValidatedSubscriptionArgs): Broadcast => {
    const context = validated.contextValue as GraphQLContext
    const key = JSON.stringify([feed.name, context.viewer.scope, selectionKey(validated.document, validated.operation, validated.variableValues.coerced)])
    const known = running.get(key)
    // One that runs on a feed of the same name that has failed is about to end.
    if (known !== undefined && feed.ended()?.failure === undefined) {
      release()
      return known
    }
    // Of the client that came first; the others see the same. It may go before they do, so nothing of its own is left.
    const services = withoutOrigin(context.services)
    const viewer: Viewer = { name: "subscribers", scope: context.viewer.scope, keyId: undefined, expiresAt: undefined }
    const shared: GraphQLContext = { ...context, viewer, services, loaders: makeLoaders(services), signal: undefined, receiver: undefined }

    const resolve = async (values: ReadonlyArray<A>): Promise<ReadonlyArray<Payload>> => {
      // Values that come together are resolved together; what was read for earlier ones is out of date.
      const contextValue = { ...shared, loaders: makeLoaders(services) }
      return Promise.all(values.map(async (rootValue) => {
        const result = masked(await executeSubscriptionEvent({ ...validated, contextValue, rootValue }), maskError)
        return { result, json: Buffer.from(JSON.stringify(result)) }
      }))
    }
    const broadcast = makeBroadcast({
      feed,
      resolve,
      stored: async (after) => settle(await Effect.runPromiseExitWith(services)(feed.stored(after)), shared),
      explain: (failure) => explain(failure, shared),
      onReaders: (change) => countSubscribers(change, services),
      onIdle: () => {
        if (running.get(key) === broadcast) running.delete(key)
        release()
      }
    })
    running.set(key, broadcast)
    return broadcast
  }
}
