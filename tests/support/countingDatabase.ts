import { Effect, Layer } from "effect"
import { Database } from "../../src/persistence/Database.ts"
import { type EngineName, testDatabase } from "./database.ts"

export interface CountingDatabase {
  readonly layer: Layer.Layer<Database>
  /** How many transactions have been opened. */
  readonly transactions: () => number
  /** How many queries of this name have been answered outside of transactions. */
  readonly readsOf: (name: string) => number
}

/** A fresh database that counts what it is asked. */
export const countingDatabase = (engine: EngineName): CountingDatabase => {
  let transactions = 0
  const reads = new Map<string, number>()
  const readsOf = (name: string) => reads.get(name) ?? 0
  return {
    layer: Layer.effect(
      Database,
      Effect.map(Database, (database) =>
        Database.of({
          ...database,
          transaction: (body) => {
            transactions++
            return database.transaction(body)
          },
          query: (name, ...rest) => Effect.ensuring(database.query(name, ...rest), Effect.sync(() => reads.set(name, readsOf(name) + 1)))
        }))
    ).pipe(Layer.provide(testDatabase(engine))),
    transactions: () => transactions,
    readsOf
  }
}
