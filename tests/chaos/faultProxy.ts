import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** `latency`: 200 ms each way. `reset`: every connection is reset, and each new one. `down`: nobody answers. `half-closed`: the far side says that it is done and takes what comes. */
export type Fault = "none" | "latency" | "reset" | "down" | "half-closed"

const latencyMs = 200

/** Stands between a client and a server on the loopback interface, and does to their connections what networks do. */
export const startFaultProxy = async (targetPort: number) => {
  let fault: Fault = "none"
  const pairs = new Set<readonly [Socket, Socket]>()

  const passOn = (from: Socket, to: Socket) => {
    from.on("data", (chunk) => {
      if (fault === "down" || fault === "half-closed") return
      if (fault === "latency") setTimeout(() => to.write(chunk), latencyMs)
      else to.write(chunk)
    })
    from.on("error", () => to.destroy())
    from.on("close", () => to.destroy())
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (fault === "reset") return void near.resetAndDestroy()
    const far = connect(targetPort, "127.0.0.1")
    const pair = [near, far] as const
    pairs.add(pair)
    near.on("close", () => pairs.delete(pair))
    passOn(near, far)
    passOn(far, near)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")

  const resetAll = () => { for (const [near, far] of pairs) { near.resetAndDestroy(); far.destroy() } }
  return {
    port: (server.address() as AddressInfo).port,
    set: (next: Fault) => {
      // What was lost on the way cannot be brought back: such connections are broken for good.
      if (fault === "down" || fault === "half-closed") resetAll()
      fault = next
      if (next === "reset") resetAll()
      if (next === "half-closed") for (const [near] of pairs) near.end()
    },
    close: async () => {
      resetAll()
      server.close()
      await once(server, "close")
    }
  }
}
