/** A reader's answers as the iterator that GraphQL servers know. */
import type { ExecutionResult } from "graphql"
import type { Broadcast } from "./Broadcast.ts"
import type { Payload, Receiver } from "./Receiver.ts"

type Answers = AsyncIterableIterator<ExecutionResult, undefined>

const finished = { done: true, value: undefined } as const

/** How much may wait for the next pull. */
const queueBytes = 256 * 1024

/** The answers themselves, when they are asked for: what is not taken holds nothing in memory but its place. */
export const pulledAnswers = (broadcast: Broadcast, after: number): Answers => {
  const queue: Array<Payload> = []
  let bytes = 0
  let resume = (): void => {}
  let over: { readonly failure: Error | undefined } | undefined
  /** A pull that waits; there is one at a time. */
  let waiting: PromiseWithResolvers<IteratorResult<ExecutionResult, undefined>> | undefined

  const settle = (): void => {
    if (waiting === undefined) return
    const payload = queue.shift()
    if (payload !== undefined) {
      bytes -= payload.json.length
      waiting.resolve({ done: false, value: payload.result })
    } else if (over === undefined) return
    else if (over.failure === undefined) waiting.resolve(finished)
    else {
      waiting.reject(over.failure)
      // An iterator that has thrown is at its end.
      over = { failure: undefined }
    }
    waiting = undefined
  }
  const reader = broadcast.join(after, {
    ready: () => bytes < queueBytes,
    send: (payload) => {
      queue.push(payload)
      bytes += payload.json.length
    },
    batch: (sends) => {
      sends()
      settle()
    },
    heldBack: () => {},
    end: (failure) => {
      over = { failure }
      settle()
    },
    attach: (call) => {
      resume = call
      return () => {
        resume = () => {}
      }
    }
  })

  return {
    next: () => {
      waiting = Promise.withResolvers()
      const { promise } = waiting
      reader.start()
      settle()
      if (queue.length === 0) resume()
      return promise
    },
    return: () => {
      reader.leave()
      queue.length = 0
      over ??= { failure: undefined }
      settle()
      return Promise.resolve(finished)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}

/** For a receiver that takes the payloads itself: an iterator without answers, which ends when the receiver has had them all. */
export const pushedAnswers = (broadcast: Broadcast, after: number, receiver: Receiver): Answers => {
  const ended = Promise.withResolvers<IteratorResult<ExecutionResult, undefined>>()
  // A failure is told to whoever waits; nobody may be waiting yet.
  ended.promise.catch(() => {})
  const reader = broadcast.join(after, {
    ...receiver,
    end: (failure) => {
      receiver.end(failure)
      if (failure === undefined) ended.resolve(finished)
      else ended.reject(failure)
    }
  })
  return {
    next: () => {
      reader.start()
      return ended.promise
    },
    return: () => {
      reader.leave()
      ended.resolve(finished)
      return Promise.resolve(finished)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
