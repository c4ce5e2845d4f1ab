/**
 * Circuits that the nodes share: when a provider fails one of them it is left alone by all. Each decides from its own
 * memory, so that a call costs no look at the database; what they tell each other are the openings.
 */
import { Duration, Effect, Layer, type Scope } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { Database } from "../../persistence/Database.ts"

/** Told a provider's name when its circuit has opened or closed. */
export const circuitChannel = "playhead_circuit"

interface OpenCircuit {
  readonly provider: string
  readonly remainingMs: number
}

const openSql = `
  select provider, extract(epoch from open_until - clock_timestamp())::float8 * 1000 as "remainingMs"
  from provider_circuit where closed_at is null and open_until > clock_timestamp() and ($1 = '' or provider = $1)`

type Store = CircuitBreaker.CircuitBreakerStore["Service"]

/** Opens a circuit here that another node has opened, for what remains of its time. */
const adopt = (memory: Store, { provider, remainingMs }: OpenCircuit): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { _tag } = yield* memory.state(provider)
    if (_tag !== "Closed") return
    const { generation } = yield* memory.admit(provider)
    yield* memory.record({ key: provider, generation, outcome: "Failure", tripPolicy: CircuitBreaker.consecutive(1), openFor: Duration.millis(remainingMs) })
  }).pipe(
    Effect.scoped,
    // It has opened here meanwhile.
    Effect.catch(() => Effect.void)
  )

/** In one transaction with its announcement. */
const write = (database: Database["Service"], transition: CircuitBreaker.Transition): Effect.Effect<void> => {
  const { key, to } = transition
  if (to === "HalfOpen") return Effect.void
  return database.transaction((tx) =>
    Effect.gen(function* () {
      yield* to === "Open"
        ? tx.execute(
          `insert into provider_circuit as c (provider, opened_at, open_until)
           select $1, now.at, now.at + make_interval(secs => $2::float8 / 1000) from clock_timestamp() as now (at)
           on conflict (provider) do update set
             opened_at = case when c.closed_at is null then c.opened_at else excluded.opened_at end,
             open_until = greatest(c.open_until, excluded.open_until), closed_at = null`,
          [key, Duration.toMillis(transition.retryAfter)]
        )
        : tx.execute("update provider_circuit set closed_at = clock_timestamp() where provider = $1 and closed_at is null", [key])
      yield* tx.notify(circuitChannel, key)
    })
  )
}

export const sharedCircuits: Layer.Layer<CircuitBreaker.CircuitBreakerStore, never, Database> = Layer.effect(
  CircuitBreaker.CircuitBreakerStore,
  Effect.gen(function* () {
    const database = yield* Database
    const memory: Store = yield* CircuitBreaker.CircuitBreakerStore
    const scope: Scope.Scope = yield* Effect.scope

    const catchUp = (provider: string) =>
      database.query<OpenCircuit>("circuits.open", openSql, [provider]).pipe(
        Effect.flatMap(Effect.forEach((circuit) => adopt(memory, circuit))),
        Effect.catchCause((cause) => Effect.logWarning("What other nodes know of the providers could not be read", cause))
      )
    yield* database.listen(circuitChannel, (provider) => Effect.runFork(Effect.forkIn(catchUp(provider), scope)))

    return CircuitBreaker.CircuitBreakerStore.of({
      admit: memory.admit,
      state: memory.state,
      record: (outcome) =>
        Effect.tap(memory.record(outcome), (transition) =>
          transition === undefined ? Effect.void : write(database, transition).pipe(
            Effect.catchCause((cause) => Effect.logWarning("The other nodes could not be told of a provider's circuit", cause)),
            Effect.forkIn(scope)
          ))
    })
  })
).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))
