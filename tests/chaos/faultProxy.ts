import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { setTimeout as pause } from "node:timers/promises"

/**
 * `latency`: 200 ms each way. `stalled`: nothing gets through, and what was sent arrives when the fault is over, as TCP
 * sends again what was lost. `reset`: every connection is reset, and each new one. `down`: every connection is reset, and
 * nobody listens. `half-closed`: the far side says that it is done, takes what comes and never answers. `slow-close`: the
 * far side ends every connection, and the near side is told so a second later.
 */
export type Fault = "none" | "latency" | "stalled" | "reset" | "down" | "half-closed" | "slow-close"

const latencyMs = 200
const slowCloseMs = 1000

interface Connection {
  readonly near: Socket
  readonly far: Socket
  /** Once it was broken, what is sent on it is lost. */
  broken: boolean
}

/** Stands between a client and a server on the loopback interface, and does to their connections what networks do. */
export const startFaultProxy = async (targetPort: number) => {
  let fault: Fault = "none"
  let healed = Promise.withResolvers<void>()
  const connections = new Set<Connection>()

  /** In order, whatever the fault of the moment each piece met. */
  const passOn = (connection: Connection, from: Socket, to: Socket) => {
    let before = Promise.resolve()
    const passOne = async (chunk: Buffer, previous: Promise<void>, wait: Promise<void> | undefined) => {
      await previous
      await wait
      if (!connection.broken && to.writable) to.write(chunk)
    }
    from.on("data", (chunk: Buffer) => {
      before = passOne(chunk, before, fault === "latency" ? pause(latencyMs) : fault === "stalled" ? healed.promise : undefined)
    })
    from.on("error", () => {})
    from.on("close", () => {
      if (!connection.broken) to.destroy()
    })
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (fault === "reset") return void near.resetAndDestroy()
    const far = connect(targetPort, "127.0.0.1")
    const connection: Connection = { near, far, broken: false }
    connections.add(connection)
    near.on("close", () => {
      connections.delete(connection)
      far.destroy()
    })
    passOn(connection, near, far)
    passOn(connection, far, near)
  })
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1")
    await once(server, "listening")
  }
  await listen(0)
  const { port } = server.address() as AddressInfo

  const breakEach = (how: (near: Socket) => void) => {
    for (const connection of connections) {
      connection.broken = true
      connection.far.destroy()
      how(connection.near)
    }
  }
  return {
    port,
    set: async (next: Fault) => {
      const previous = fault
      fault = next
      if (previous === "stalled") healed.resolve()
      if (previous === "down") await listen(port)
      if (next === "stalled") healed = Promise.withResolvers()
      if (next === "down") server.close()
      if (next === "reset" || next === "down") breakEach((near) => near.resetAndDestroy())
      if (next === "half-closed") breakEach((near) => near.end())
      if (next === "slow-close") breakEach((near) => void pause(slowCloseMs).then(() => near.end()))
    },
    close: async () => {
      breakEach((near) => near.destroy())
      if (!server.listening) return
      server.close()
      await once(server, "close")
    }
  }
}
