/** The keys that came in lately, so that a request costs no statement; and who must be told when one is revoked. */
import { Clock, Effect, FiberSet } from "effect"
import { throughOutages } from "../jobs/outages.ts"
import { Database } from "../persistence/Database.ts"
import { type ApiKeyRecord, apiKeyByPrefix, apiKeysById, noteApiKeyUse } from "../persistence/reads/apiKeys.ts"
import { isSecretOf, prefixOf } from "./secrets.ts"

/** A revocation is announced; where the announcement is lost with its connection, this is how long the key lives on. */
const rememberedMs = 15_000
/** How exactly it is known when a key was last used: a write a minute, for each key and node. */
const useNotedEveryMs = 60_000

interface Remembered {
  readonly key: ApiKeyRecord
  readonly readAt: number
}

export const makeKeyring = Effect.gen(function* () {
  const services = yield* Effect.context<Database>()
  const run = yield* FiberSet.makeRuntime<Database>()
  const remembered = new Map<string, Remembered>()
  const watchers = new Map<string, Set<() => void>>()
  const gone = new Set<string>()
  const usedAt = new Map<string, number>()
  /** Counts what `forget` was told: a key that was read before may have been revoked since. */
  let forgotten = 0

  const tellWatchers = (id: string): void => {
    gone.add(id)
    for (const tell of watchers.get(id) ?? []) tell()
  }

  /** Announcements were missed: those who watch keys are told of what happened meanwhile. */
  const lookAgain = Effect.gen(function* () {
    const ids = [...watchers.keys()]
    if (ids.length === 0) return
    const live = new Set((yield* apiKeysById(ids)).map(({ id }) => id))
    for (const id of ids) if (!live.has(id)) tellWatchers(id)
  })

  /** The key with this id was revoked; "" when any may have been. */
  const forget = (id: string): void => {
    forgotten += 1
    for (const [prefix, { key }] of remembered) if (id === "" || key.id === id) remembered.delete(prefix)
    if (id === "") run(throughOutages(lookAgain))
    else tellWatchers(id)
  }

  const noteUse = (id: string, now: number): void => {
    if (now - (usedAt.get(id) ?? 0) < useNotedEveryMs) return
    usedAt.set(id, now)
    run(Effect.catchCause(noteApiKeyUse(id, new Date(now)), (cause) => Effect.logWarning("When an API key was last used could not be noted", cause)))
  }

  const byPrefix = Effect.fnUntraced(function* (prefix: string, now: number) {
    const known = remembered.get(prefix)
    if (known !== undefined && now - known.readAt < rememberedMs) return known.key
    const before = forgotten
    const key = yield* apiKeyByPrefix(prefix)
    if (key === undefined) remembered.delete(prefix)
    else if (forgotten === before) remembered.set(prefix, { key, readAt: now })
    return key
  })

  const find = Effect.fn("ApiKeys.find")(function* (token: string) {
    const prefix = prefixOf(token)
    if (prefix === undefined) return undefined
    const now = yield* Clock.currentTimeMillis
    const key = yield* Effect.provideContext(byPrefix(prefix, now), services)
    if (key === undefined || !isSecretOf(token, key.tokenHash)) return undefined
    noteUse(key.id, now)
    return key
  })

  const revoked = (id: string): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const tell = () => resume(Effect.void)
      if (gone.has(id)) return tell()
      const told = watchers.get(id) ?? new Set()
      watchers.set(id, told.add(tell))
      return Effect.sync(() => {
        told.delete(tell)
        if (told.size === 0) watchers.delete(id)
      })
    })

  return { find, forget, revoked }
})
