/**
 * The one bridge from Effect to GraphQL. A field says which errors it can fail with; an Effect that can fail with any
 * other does not compile. What a field did not expect is a bug or an outage: the client gets an id, the log gets the rest.
 */
import { Cause, Effect, Exit, Option, Scope, Stream } from "effect"
import { GraphQLError } from "graphql"
import type { ExpectedError } from "../domain/errors.ts"
import type { ErrorCode } from "../domain/ErrorCode.ts"
import { isFailure } from "../domain/errorCatalog.ts"
import type { Feed } from "../domain/Feed.ts"
import { tellUnexpected, unexpectedMessage } from "../domain/unexpected.ts"
import { isOutage } from "../persistence/Database.ts"
import type { GraphQLContext } from "./GraphQLContext.ts"
import { countFailure } from "./operationMetrics.ts"
import type { Services } from "./Services.ts"
import { Watched } from "./streams/Watched.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- only the instance side matters here
export type ErrorClass = abstract new (...args: Array<any>) => ExpectedError

/** A top-level error that a program can tell by its code. */
export const refusal = (code: ErrorCode | "BAD_REQUEST", message: string, extensions: Readonly<Record<string, unknown>> = {}): GraphQLError =>
  new GraphQLError(message, { extensions: { code, ...extensions } })

/** The row that an answer or an error speaks of can be deleted before it is read. */
export const present = async <Row>(row: Promise<Row | null>): Promise<Row> => await row ?? Promise.reject(refusal("NOT_FOUND", "It was deleted meanwhile."))

/** Tells of what nobody expected, and returns what a client may know of it. */
export const incident = (cause: Cause.Cause<unknown>): Effect.Effect<GraphQLError> =>
  Effect.map(tellUnexpected(cause, { handled: isOutage(cause) }), (incidentId) => refusal("INTERNAL", unexpectedMessage(incidentId), { incidentId }))

const pureFailure = <E>(cause: Cause.Cause<E>): Option.Option<E> =>
  // One that came with a defect is not the whole story.
  Cause.hasDies(cause) ? Option.none() : Cause.findErrorOption(cause)

/** What a client may know of a failure: what was expected by its code, the rest by the id of an incident. */
export const explain = (cause: Cause.Cause<unknown>, context: GraphQLContext): GraphQLError => {
  const failure = Option.getOrUndefined(pureFailure(cause))
  if (isFailure(failure)) return refusal(failure.code, failure.message)
  if (Cause.hasInterruptsOnly(cause)) return new GraphQLError("The request was given up.", { extensions: { code: "CANCELLED" } })
  return Effect.runSyncWith(context.services)(incident(cause))
}

/** What an Effect of a field came to: its value, or an error that its client may see. */
export const settle = <A, E>(exit: Exit.Exit<A, E>, context: GraphQLContext): A => {
  if (Exit.isSuccess(exit)) return exit.value
  const failure = pureFailure(exit.cause)
  if (Option.isNone(failure)) throw explain(exit.cause, context)
  if (isFailure(failure.value)) countFailure(failure.value.code, context.services)
  throw failure.value
}

/** Runs the Effect of a field that cannot fail. */
export const read = async <A>(effect: Effect.Effect<A, never, Services>, context: GraphQLContext): Promise<A> =>
  settle(await Effect.runPromiseExitWith(context.services)(effect, { signal: context.signal }), context)

/**
 * A field's resolver from an Effect: `resolve: answer([NotFoundError], (root, args, context) => …)`. The same classes are
 * named in the field's `errors.types`, for which `failsWith` is the short form.
 */
export const answer = <const Classes extends ReadonlyArray<ErrorClass>, Parent, Args, A>(
  _classes: Classes,
  effect: (parent: Parent, args: Args, context: GraphQLContext) => Effect.Effect<A, InstanceType<Classes[number]>, Services>
) =>
async (parent: Parent, args: Args, context: GraphQLContext): Promise<A> =>
  settle(await Effect.runPromiseExitWith(context.services)(effect(parent, args, context), { signal: context.signal }), context)

/** The error half of a field whose result is a union with this name. */
export const failsWith = <const Classes extends ReadonlyArray<ErrorClass>>(classes: Classes, union: string, description: string) => ({
  types: [...classes] as Array<new (...args: Array<unknown>) => unknown>,
  directResult: true as const,
  union: { name: union, description }
})

/** An Effect stream as the async iterator that a subscription is: returning it ends the stream and all it holds. */
export const subscribe = <A>(stream: Stream.Stream<A, never, Services>, context: GraphQLContext): AsyncIterableIterator<A, undefined> => {
  const masked = stream.pipe(Stream.catchCause((cause) => Stream.fromEffect(Effect.flatMap(incident(cause), (error) => Effect.die(error)))))
  const iterator = Stream.toAsyncIterableWith(masked, context.services)[Symbol.asyncIterator]()
  // graphql-js asks for the iterator twice, to read one and to return the other: each must be the same run of the stream.
  return Object.assign(iterator, { [Symbol.asyncIterator]: () => iterator }) as AsyncIterableIterator<A, undefined>
}

/**
 * A feed as the source of a subscription, from behind a position on. All who subscribe alike share one run of it (see
 * streams/), so the field's own resolver must not depend on its arguments.
 */
export const watch = async <A extends object>(
  open: Effect.Effect<Feed<A>, ExpectedError, Services | Scope.Scope>,
  after: number,
  context: GraphQLContext
): Promise<Watched<A>> => {
  const scope = Scope.makeUnsafe()
  const release = () => Effect.runForkWith(context.services)(Scope.close(scope, Exit.void))
  const opened = await Effect.runPromiseExitWith(context.services)(Effect.provideService(open, Scope.Scope, scope), { signal: context.signal })
  if (Exit.isSuccess(opened)) return new Watched(opened.value, after, release)
  release()
  throw explain(opened.cause, context)
}
