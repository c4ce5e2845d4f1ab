import { Effect, Latch, Schedule, type Scope } from "effect"
import pg from "pg"
import { databaseFailure } from "./failures.ts"

type OnMessage = (payload: string) => void

/** One connection that listens on every channel that is asked for, from the first on; it comes back when it is lost. */
export const notifications = Effect.fnUntraced(function*(connection: pg.ClientConfig) {
  const channels = new Map<string, Set<OnMessage>>()
  let listening: pg.Client | undefined
  const connected = yield* Latch.make()

  const connect = Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const client = new pg.Client(connection)
        // Without a listener, a lost connection would end the process.
        client.on("error", () => {})
        await client.connect()
        return client
      },
      catch: (error) => databaseFailure(error)
    }),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  )
  const subscribe = (client: pg.Client, channel: string) =>
    Effect.tryPromise({ try: () => client.query(`listen ${client.escapeIdentifier(channel)}`), catch: (error) => databaseFailure(error) })

  const session = Effect.scoped(Effect.gen(function*() {
    const client = yield* connect
    const lost = yield* Latch.make()
    client.once("end", () => lost.openUnsafe())
    client.on("notification", ({ channel, payload }) => {
      for (const onMessage of channels.get(channel) ?? []) onMessage(payload ?? "")
    })
    for (const channel of channels.keys()) yield* subscribe(client, channel)
    listening = client
    for (const listeners of channels.values()) for (const onMessage of listeners) onMessage("")
    yield* connected.open
    yield* lost.await
    listening = undefined
    yield* Effect.logWarning("The connection that listens for notifications was lost; connecting again")
  }))
  const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)
  const scope = yield* Effect.scope
  let started = false

  return Effect.fnUntraced(function*(channel: string, onMessage: OnMessage): Effect.fn.Return<void, never, Scope.Scope> {
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        channels.set(channel, (channels.get(channel) ?? new Set()).add(onMessage))
      }),
      () => Effect.sync(() => channels.get(channel)?.delete(onMessage))
    )
    if (!started) {
      started = true
      yield* session.pipe(Effect.retry(backOff), Effect.forever, Effect.forkIn(scope))
      return yield* connected.await
    }
    if (listening !== undefined) {
      yield* Effect.ignore(subscribe(listening, channel))
      onMessage("")
    }
  })
})
