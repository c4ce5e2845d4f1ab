/** One subscriber's place in a broadcast. */
import type { Message, MessagePage, MessageWindow } from "./MessageWindow.ts"
import type { Receiver } from "./Receiver.ts"

export interface Reader {
  /** Begins to send. */
  readonly start: () => void
  /** The broadcast has gone on: sends on what the receiver takes, and counts what it has to wait for. */
  readonly advance: (news?: ReadonlyArray<Message>) => void
  /** Sends nothing more. */
  readonly leave: () => void
}

interface Place {
  readonly after: number
  /** The newest position when the subscription began: up to here nothing is left out. */
  readonly storedUntil: number
  readonly receiver: Receiver
  readonly window: MessageWindow
  readonly page: (after: number) => Promise<MessagePage>
  readonly ended: () => Error | boolean
  readonly leave: () => void
}

/** Newer messages of the same subject further down the page make one superfluous. */
const outdatedIn = ({ messages }: MessagePage, index: number): boolean => {
  const subject = messages[index]?.subject
  return subject !== undefined && messages.some((other, place) => place > index && other.subject === subject)
}

export const makeReader = ({ after, ended, leave, page, receiver, storedUntil, window }: Place): Reader => {
  let position = after
  let stored: MessagePage | undefined
  let index = 0
  let state: "new" | "sending" | "reading" | "done" = "new"
  /** Whether the receiver did not take all there was since this reader was last among the others. */
  let behind = false
  let detach = (): void => {}

  const isSending = () => state === "sending"
  const quit = (): void => {
    if (state === "done") return
    state = "done"
    stored = undefined
    detach()
    leave()
  }
  const end = (failure: Error | undefined): void => {
    quit()
    receiver.end(failure)
  }

  const mayLeaveOut = (message: Message): boolean => behind && message.position > storedUntil

  const take = (read: MessagePage): void => {
    if (state !== "reading") return
    state = "sending"
    stored = read
    index = 0
    send()
  }
  const read = (): void => {
    state = "reading"
    page(position).then(take, (error: unknown) => end(error instanceof Error ? error : new Error(String(error))))
  }

  /** The next message that is to be sent; undefined when there is none now, or the reader has to wait for one. */
  const next = (): Message | undefined => {
    while (stored !== undefined) {
      const message = stored.messages[index]
      if (message === undefined) {
        // A page can be empty although more was promised: old entries may be gone.
        position = Math.max(position, stored.until)
        stored = undefined
      } else if (mayLeaveOut(message) && (outdatedIn(stored, index) || window.isOutdated(message))) index += 1
      else return message
    }
    if (position < window.floor()) {
      read()
      return undefined
    }
    let message = window.after(position)
    while (message !== undefined && mayLeaveOut(message) && window.isOutdated(message)) message = window.after(message.position)
    return message
  }

  const caughtUp = (): void => {
    if (state !== "sending") return
    behind = false
    const over = ended()
    if (over !== false) end(over === true ? undefined : over)
  }
  const sendAll = (): void => {
    while (isSending()) {
      if (!receiver.ready()) {
        behind = true
        return
      }
      const message = next()
      if (message === undefined) return caughtUp()
      if (stored === undefined) position = message.position
      else index += 1
      receiver.send(message.payload)
      if (message.last) end(undefined)
    }
  }
  const send = (): void => {
    if (receiver.ready()) receiver.batch(sendAll)
    else if (state === "sending") behind = true
  }

  return {
    start: () => {
      if (state !== "new") return
      state = "sending"
      detach = receiver.attach(send)
      send()
    },
    advance: (news = []) => {
      if (state !== "sending") return
      if (receiver.ready()) return send()
      behind = true
      for (const message of news) if (message.subject === undefined && message.position > position) receiver.heldBack(message.payload.json.length)
    },
    leave: quit
  }
}
