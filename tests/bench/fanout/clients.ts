/**
 * Many graphql-transport-ws clients in one process. To cost as little as possible beside the server they speak WebSocket
 * by hand: frames are counted, and only the first of each client is looked into.
 */
import { connect, type Socket } from "node:net"
import { type ClientOrder, document, monotonicMs, report } from "./protocol.ts"

const masked = (text: string): Buffer => {
  const body = Buffer.from(text)
  const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length]) : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 0xff])
  // A mask of zeros is a mask.
  return Buffer.concat([head, Buffer.alloc(4), body])
}
const handshake = [
  "GET /graphql HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: graphql-transport-ws", "", ""
].join("\r\n")

const sockets: Array<Socket> = []
/** By message: how many clients have had it, and when. */
const counts: Array<number> = []
let times: Array<Array<number>> = []
let clients = 0
let timed = false

const onMessage = (message: number, now: number): void => {
  counts[message] = (counts[message] ?? 0) + 1
  if (timed) (times[message] ??= []).push(now)
  if (counts[message] !== clients) return
  report({ _tag: "received", message, timesMs: times[message] })
  times[message] = []
}

/** Resolves when the server has acknowledged the connection and has the subscription. */
const open = (port: number, jobId: string, after: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    sockets.push(socket)
    let rest: Buffer | undefined
    let upgraded = false
    let acknowledged = false
    let received = 0
    socket.on("error", reject)
    socket.write(handshake)
    socket.on("data", (chunk) => {
      const now = monotonicMs()
      let data = rest === undefined ? chunk : Buffer.concat([rest, chunk])
      rest = undefined
      if (!upgraded) {
        const end = data.indexOf("\r\n\r\n")
        if (end < 0) {
          rest = data
          return
        }
        if (!data.subarray(0, 12).toString().endsWith("101")) return reject(new Error(data.toString()))
        upgraded = true
        socket.write(masked(JSON.stringify({ type: "connection_init" })))
        data = data.subarray(end + 4)
      }
      let at = 0
      while (data.length - at >= 2) {
        const short = (data[at + 1] ?? 0) & 0x7f
        const head = short < 126 ? 2 : short === 126 ? 4 : 10
        if (data.length - at < head) break
        const length = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2))
        if (data.length - at < head + length) break
        const isText = ((data[at] ?? 0) & 0x0f) === 1
        if (isText && acknowledged) {
          received += 1
          if (received === 1) {
            const text = data.toString("utf8", at + head, at + head + length)
            if (!text.includes("StageProgressedEvent") || !text.includes(`"type":"next"`)) report({ _tag: "failed", why: text })
          }
          onMessage(received, now)
        } else if (isText) {
          acknowledged = true
          socket.write(masked(JSON.stringify({ id: "3f8b0f0e-7c1b-4c55-9a43-0a4c0a3f9d11", type: "subscribe", payload: { query: document, variables: { jobId, after } } })))
          resolve()
        }
        at += head + length
      }
      if (at < data.length) rest = Buffer.from(data.subarray(at))
    })
  })

process.on("message", (order: ClientOrder) => {
  if (order._tag === "disconnect") {
    for (const socket of sockets.splice(0)) socket.destroy()
    counts.length = 0
    times = []
    return report({ _tag: "disconnected" })
  }
  clients = order.clients
  timed = order.timed
  const connectAll = async (): Promise<void> => {
    for (let begun = 0; begun < clients; begun += 100) {
      await Promise.all(Array.from({ length: Math.min(100, clients - begun) }, () => open(order.port, order.jobId, order.after)))
    }
    report({ _tag: "connected" })
  }
  connectAll().catch((error: unknown) => report({ _tag: "failed", why: String(error) }))
})
process.on("disconnect", () => process.exit())
