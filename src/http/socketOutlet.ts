/**
 * The way out to one WebSocket client, for answers that many get. They are serialised once; here each is given the id of
 * the client's own operation and a frame, and written as long as the connection takes it. What it does not take is not
 * queued: the subscription waits, and the bytes that it could not send meanwhile are counted.
 */
import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { Payload, Receiver } from "../graphql/streams/Receiver.ts"

/** The server closes a socket with it when more than its limit waits for the client; the client may come back at once. */
export const fellBehindCode = 4413

/** From here on, copying a payload costs more than a second chunk for the kernel. */
const copiedBytes = 16 * 1024

const tail = Buffer.from("}")

/** The head of a WebSocket text frame that a server sends whole (RFC 6455, section 5.2). */
const writeFrameHead = (target: Buffer, length: number): number => {
  target[0] = 0x81
  if (length < 126) {
    target[1] = length
    return 2
  }
  if (length < 65_536) {
    target[1] = 126
    target.writeUInt16BE(length, 2)
    return 4
  }
  target[1] = 127
  target.writeUIntBE(0, 2, 2)
  target.writeUIntBE(length, 4, 6)
  return 10
}

export interface OutletSettings {
  readonly maxWaitingBytes: number
  /** Called when the client is closed for it. */
  readonly onFellBehind: () => void
}

export interface SocketOutlet {
  /** A receiver for the operation of this id. */
  readonly receiver: (id: string) => Receiver
}

/** `connection` is what `socket` was made on; without compression ws writes each frame to it at once, so frames do not mix. */
export const makeSocketOutlet = (socket: WebSocket, connection: Duplex, { maxWaitingBytes, onFellBehind }: OutletSettings): SocketOutlet => {
  const waiting = new Set<() => void>()
  /** Since the connection last took all that was written to it. */
  let heldBackBytes = 0

  connection.on("drain", () => {
    heldBackBytes = 0
    for (const resume of waiting) resume()
  })
  const ready = () => !connection.writableNeedDrain && socket.readyState === socket.OPEN
  const heldBack = (bytes: number): void => {
    heldBackBytes += bytes
    if (heldBackBytes + connection.writableLength <= maxWaitingBytes || socket.readyState !== socket.OPEN) return
    onFellBehind()
    socket.close(fellBehindCode, "Fell behind: subscribe again after the last event received")
  }
  const batch = (sends: () => void): void => {
    connection.cork()
    sends()
    connection.uncork()
  }

  return {
    receiver: (id) => {
      const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`)
      return {
        ready,
        batch,
        heldBack,
        send: ({ json }: Payload) => {
          const length = head.length + json.length + tail.length
          const whole = json.length <= copiedBytes
          const frame = Buffer.allocUnsafe(10 + head.length + (whole ? json.length + tail.length : 0))
          const start = writeFrameHead(frame, length)
          const end = start + head.copy(frame, start)
          if (!whole) {
            connection.write(frame.subarray(0, end))
            connection.write(json)
            connection.write(tail)
            return
          }
          json.copy(frame, end)
          tail.copy(frame, end + json.length)
          connection.write(frame.subarray(0, end + json.length + tail.length))
        },
        end: () => {},
        attach: (resume) => {
          waiting.add(resume)
          return () => waiting.delete(resume)
        }
      }
    }
  }
}
