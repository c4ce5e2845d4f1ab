/** What keeps unfinished uploads, which cost a client nothing to begin, from taking all the room. */
import { statfs } from "node:fs/promises"
import { Clock, Effect } from "effect"
import { RateLimitedError, StorageError } from "../domain/errors.ts"
import { storing } from "../domain/storageFailure.ts"
import type { Transaction } from "../persistence/Database.ts"

/** What stays free for everything else, the database among it: a twentieth of the disk, and no more than this. */
const mostReservedBytes = 1024 ** 3

/** When it is worth asking again: uploads end all the time. */
const retryAfterMs = 60_000

/** Refuses an account that has as many unfinished uploads as it may, those on other nodes included. Who passes has no rival until the transaction ends. */
export const ensureMayBegin = Effect.fnUntraced(function* (tx: Transaction, account: string, maxUnfinished: number) {
  yield* tx.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`uploads: ${account}`])
  const [found] = yield* tx.query<{ count: number }>(
    "select count(*)::int as count from upload where account = $1 and sha256 is null and expires_at > $2",
    [account, new Date(yield* Clock.currentTimeMillis)]
  )
  if ((found?.count ?? 0) < maxUnfinished) return
  return yield* new RateLimitedError({ message: `You have ${maxUnfinished} uploads that are not finished, the most that is allowed. Finish or remove one of them first.`, retryAfterMs })
})

/** Refuses an upload that would not find room on the disk once all that was announced before has come. */
export const ensureRoom = Effect.fnUntraced(function* (directory: string, sizeBytes: number, outstandingBytes: number) {
  const { bavail, blocks, bsize } = yield* storing("The free space could not be read", () => statfs(directory))
  const roomBytes = bavail * bsize - Math.min((blocks * bsize) / 20, mostReservedBytes) - outstandingBytes
  if (sizeBytes <= roomBytes) return
  return yield* new StorageError({ message: `There is no room for ${sizeBytes} bytes beside the uploads that were begun before. Try again later; the operator can free some, or set UPLOAD_EXPIRY_HOURS lower.` })
})
