/** Whether a field may fail with an error is decided by tsc: each `@ts-expect-error` here fails the check where it stops being one. */
import { Context, Effect, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { InvalidInputError, NotFoundError, StorageError } from "../../../src/domain/errors.ts"
import { answer, read, subscribe } from "../../../src/graphql/bridge.ts"
import type { GraphQLContext } from "../../../src/graphql/GraphQLContext.ts"

// No effect below asks for a service.
const context = { services: Context.empty(), loaders: {}, signal: undefined, publicUrl: "" } as unknown as GraphQLContext
const notFound = new NotFoundError({ message: "There is none.", id: "x" })

describe("the bridge", () => {
  it("lets a field fail with what it declares", async () => {
    const resolve = answer([NotFoundError, InvalidInputError], () => Effect.fail(notFound))
    await expect(resolve({}, {}, context)).rejects.toBe(notFound)
  })

  it("does not compile where a field can fail with anything else", () => {
    // @ts-expect-error -- StorageError is not declared
    answer([NotFoundError], () => Effect.fail(new StorageError({ message: "The disk is full." })))
    // @ts-expect-error -- one of two is not declared
    answer([NotFoundError], () => Effect.andThen(Effect.fail(notFound), Effect.fail(new StorageError({ message: "The disk is full." }))))
    // @ts-expect-error -- a query declares none
    expect(() => read(Effect.fail(notFound), context).catch(() => {})).not.toThrow()
    // @ts-expect-error -- a subscription's stream declares none
    subscribe(Stream.fail(notFound), context)
  })

  it("hides what nobody expected, even where it comes with an expected failure", async () => {
    for (const effect of [Effect.die(new Error("inside")), Effect.ensuring(Effect.fail(notFound), Effect.die(new Error("inside")))]) {
      const resolve = answer([NotFoundError], () => effect)
      await expect(resolve({}, {}, context)).rejects.toMatchObject({ extensions: { code: "INTERNAL" } })
    }
  })

  it("ends a stream when its iterator is returned, also while an event is awaited", async () => {
    let ended = false
    const iterator = subscribe(Stream.ensuring(Stream.concat(Stream.make(1), Stream.never), Effect.sync(() => { ended = true })), context)
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    const pending = iterator.next()
    await iterator.return?.()
    expect(ended).toBe(true)
    expect(await pending).toMatchObject({ done: true })
  })

  it("is one run of its stream, however often its iterator is asked for", async () => {
    let runs = 0
    const iterator = subscribe(Stream.fromEffect(Effect.sync(() => { runs += 1 })), context)
    await iterator[Symbol.asyncIterator]().next()
    await iterator[Symbol.asyncIterator]().next()
    expect(runs).toBe(1)
  })
})
