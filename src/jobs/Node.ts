/** Which process this is, among those that share a database. */
import { hostname } from "node:os"
import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Database } from "../persistence/Database.ts"

export class Node extends Context.Service<Node, {
  /** `host:pid:instance`; the last part tells two lives of one process number apart. Present in the database under this name. */
  readonly id: string
  /** Whether a node's id names a process that this host does not have, or an earlier life of this one. False when that cannot be told from here. */
  readonly hasNoProcess: (id: string) => boolean
}>()("playhead/jobs/Node") {
  static readonly layer = Layer.effect(
    Node,
    Effect.gen(function*() {
      const random = yield* SecureRandom.SecureRandom
      const database = yield* Database
      const host = hostname()
      const id = `${host}:${process.pid}:${yield* random.uuidV7()}`
      yield* database.bePresent(id)
      return Node.of({
        id,
        hasNoProcess: (other) => {
          const [otherHost, pid = ""] = other.split(":")
          if (otherHost !== host || other === id) return false
          // The same number under another instance is an earlier life of this process, as in a container.
          return Number(pid) === process.pid || !processExists(Number(pid))
        }
      })
    })
  )
}

const processExists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
