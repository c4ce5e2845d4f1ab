/** The least that ws can do: the same bytes, made once, sent to every socket. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { WebSocketServer } from "ws"
import { eventData, report, serve } from "./protocol.ts"

const server = createServer()
const sockets = new WebSocketServer({ server, path: "/graphql" })
sockets.on("connection", (socket) => socket.once("message", () => socket.send(JSON.stringify({ type: "connection_ack" }))))

server.listen(0, "127.0.0.1", () => {
  serve((order) => {
    if (order._tag !== "emit") return
    for (let n = order.first; n < order.first + order.count; n++) {
      const { progress, stage } = eventData(n) as { progress: number; stage: { name: string; status: string; progress: number; attempt: number } }
      const payload = { data: { jobEvents: { __typename: "StageProgressedEvent", sequence: n, at: new Date(), progress, stage: { name: stage.name, status: stage.status, progress: stage.progress, attempt: stage.attempt } } } }
      const bytes = Buffer.from(JSON.stringify({ id: "3f8b0f0e-7c1b-4c55-9a43-0a4c0a3f9d11", type: "next", payload }))
      for (const socket of sockets.clients) socket.send(bytes, { binary: false })
    }
  })
  report({ _tag: "listening", port: (server.address() as AddressInfo).port, jobId: "Sm9iOjE=" })
})
