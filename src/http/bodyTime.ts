import type { IncomingMessage } from "node:http"

/** Ends connections that are kept busy with next to nothing: a body that pauses for too long, or takes too long in all. */
export const limitBodyTime = (request: IncomingMessage, limits: { readonly pauseMs: number; readonly totalMs: number }): void => {
  const giveUp = () => {
    if (!request.complete) request.destroy()
  }
  let received = request.socket.bytesRead
  const pause = setInterval(() => {
    if (request.socket.bytesRead === received) giveUp()
    received = request.socket.bytesRead
  }, limits.pauseMs)
  const total = setTimeout(giveUp, limits.totalMs)
  const stop = () => {
    clearInterval(pause)
    clearTimeout(total)
  }
  request.once("end", stop)
  request.once("close", stop)
}
