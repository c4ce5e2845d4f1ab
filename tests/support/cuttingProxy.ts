import { once } from "node:events"
import { type AddressInfo, connect, createServer } from "node:net"

/** Passes connections on to a server. One that has sent as many bytes as the first of `cuts` says is reset there, which uses the cut up. */
export const startCuttingProxy = async (targetPort: number, cuts: Array<number>) => {
  let made = 0
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1")
    let passed = 0
    near.on("data", (chunk: Buffer) => {
      if (far.destroyed) return
      const left = (cuts[0] ?? Number.POSITIVE_INFINITY) - passed
      if (chunk.length < left) {
        passed += chunk.length
        if (!far.write(chunk)) near.pause()
        return
      }
      cuts.shift()
      made += 1
      far.write(chunk.subarray(0, Math.max(left, 0)))
      near.resetAndDestroy()
      // Some servers see an end, some a reset.
      if (made % 2 === 0) far.end()
      else far.resetAndDestroy()
    })
    far.on("drain", () => near.resume())
    far.on("data", (chunk) => near.write(chunk))
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on("error", () => other.destroy())
      one.on("close", () => other.destroy())
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    port: (server.address() as AddressInfo).port,
    made: () => made,
    close: async () => {
      server.close()
      await once(server, "close")
    }
  }
}
