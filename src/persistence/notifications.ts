import { Effect, Latch, Schedule, type Scope } from "effect"
import pg from "pg"
import { type DatabaseFailure, databaseFailure } from "./failures.ts"

type OnMessage = (payload: string) => void

/** How soon a connection is noticed that died without a word. */
const checkEvery = "15 seconds"
const answerWithinMs = 10_000

// Never long: whoever waits for news waits for this connection once the database is back.
const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("500 millis")]).pipe(Schedule.jittered)

/** As `hashtextextended` makes an advisory lock's key of a name. */
export const presenceKey = (name: string) => `hashtextextended('playhead.presence:' || ${name}, 0)`

const statement = (client: pg.Client, sql: string) =>
  Effect.tryPromise({ try: () => client.query(sql), catch: (error) => databaseFailure(error) })

/**
 * One connection that listens on every channel that is asked for, from the first on, and holds the advisory locks by
 * which other processes see that this one lives. It comes back when it is lost.
 */
export const notifications = Effect.fnUntraced(function* (connection: pg.ClientConfig) {
  const channels = new Map<string, Set<OnMessage>>()
  const listen = (client: pg.Client, channel: string) => statement(client, `listen ${client.escapeIdentifier(channel)}`)
  const names = new Set<string>()
  // Shared: a lock of the lost connection that the server still takes for alive must not keep the next one waiting.
  const announce = (client: pg.Client, name: string) =>
    statement(client, `select pg_advisory_lock_shared(${presenceKey(client.escapeLiteral(name))})`)
  let current: pg.Client | undefined
  const connected = yield* Latch.make()

  const connect = Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const client = new pg.Client({ ...connection, query_timeout: answerWithinMs })
        // Without a listener, a lost connection would end the process.
        client.on("error", () => {})
        await client.connect()
        return client
      },
      catch: (error) => databaseFailure(error)
    }),
    (client) => Effect.promise(() => client.end().catch(() => {}))
  )

  const session = Effect.scoped(
    Effect.gen(function* () {
      const client = yield* connect
      const lost = yield* Latch.make()
      client.once("end", () => lost.openUnsafe())
      client.on("notification", ({ channel, payload }) => {
        for (const onMessage of channels.get(channel) ?? []) onMessage(payload ?? "")
      })
      // A channel that is added meanwhile comes last in the map, and so has its turn too.
      for (const name of names) yield* announce(client, name)
      for (const channel of channels.keys()) yield* listen(client, channel)
      current = client
      for (const listeners of channels.values()) for (const onMessage of listeners) onMessage("")
      yield* connected.open
      yield* Effect.raceFirst(lost.await, Effect.forever(Effect.delay(statement(client, "select 1"), checkEvery)))
    })
  ).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        current = undefined
      })
    )
  )
  const keepListening = session.pipe(
    Effect.andThen(Effect.logWarning("The connection for notifications was lost; connecting again")),
    Effect.andThen(Effect.sleep("100 millis")),
    Effect.tapError((failure) => Effect.logWarning("No connection for notifications; trying again", failure)),
    Effect.retry(backOff),
    Effect.forever
  )

  const scope = yield* Effect.scope
  let started = false
  const connectedWith = Effect.fnUntraced(function* (add: (client: pg.Client) => Effect.Effect<unknown, DatabaseFailure>) {
    if (!started) {
      started = true
      yield* Effect.forkIn(keepListening, scope)
    } else if (current !== undefined) {
      // Where this fails the connection is lost, and the next one is told everything.
      yield* Effect.ignore(add(current))
    }
    yield* connected.await
  })

  const onChannel = Effect.fnUntraced(function* (channel: string, onMessage: OnMessage): Effect.fn.Return<void, never, Scope.Scope> {
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const listeners = channels.get(channel) ?? new Set()
        channels.set(channel, listeners.add(onMessage))
        return listeners
      }),
      (listeners) => Effect.sync(() => listeners.delete(onMessage))
    )
    yield* connectedWith((client) => Effect.tap(listen(client, channel), () => Effect.sync(() => onMessage(""))))
  })

  /** For as long as the process lives: the lock goes with the connection, at once when the process is killed. */
  const bePresent = (name: string) =>
    Effect.suspend(() => {
      names.add(name)
      return connectedWith((client) => announce(client, name))
    })

  return { listen: onChannel, bePresent }
})
