/** Responses that go on for ever, to somebody who may be gone without a word. */
import type { ServerResponse } from "node:http"

/**
 * Cuts a response off when its connection has taken nothing of what waits for it during a whole period. While nothing
 * waits it may take as long as it likes.
 */
export const cutWhenStalled = (response: ServerResponse, periodMs: number): void => {
  let before = 0
  const taken = (): number => (response.socket?.bytesWritten ?? 0) - (response.socket?.writableLength ?? 0)
  const timer = setInterval(() => {
    const now = taken()
    if (response.socket !== null && response.socket.writableLength > 0 && now === before) response.destroy()
    before = now
  }, periodMs)
  response.once("close", () => clearInterval(timer))
}
