/** The newest messages of a broadcast, up to a number of bytes. */
import type { Payload } from "./Receiver.ts"

export interface Message {
  readonly position: number
  readonly subject: string | undefined
  readonly last: boolean
  readonly payload: Payload
}

/** What is stored behind a position. */
export interface MessagePage {
  readonly messages: ReadonlyArray<Message>
  /** Whoever has had the page has all there is up to this position. */
  readonly until: number
}

export interface MessageWindow {
  /** All messages behind this position are here. */
  readonly floor: () => number
  readonly push: (message: Message) => void
  /** The oldest message behind a position that is not below the floor. */
  readonly after: (position: number) => Message | undefined
  /** Whether a newer message with the same subject is here. */
  readonly isOutdated: (message: Message) => boolean
  /** Forgets everything; whoever is not as far as `position` has to read what is stored. */
  readonly clear: (position: number) => void
}

export const makeMessageWindow = (start: number, maxBytes: number): MessageWindow => {
  let messages: Array<Message | undefined> = []
  /** Up to here messages have left; their places are cut off now and then. */
  let first = 0
  let bytes = 0
  let floor = start
  const newestOf = new Map<string, number>()

  /** The oldest message, while there is too much; the newest stays, however large it is. */
  const superfluous = (): Message | undefined => bytes > maxBytes && first < messages.length - 1 ? messages[first] : undefined
  const forgetFirst = (message: Message): void => {
    messages[first] = undefined
    first += 1
    bytes -= message.payload.json.length
    floor = message.position
    if (message.subject !== undefined && newestOf.get(message.subject) === message.position) newestOf.delete(message.subject)
    if (first > 1_000 && first * 2 > messages.length) {
      messages = messages.slice(first)
      first = 0
    }
  }

  return {
    floor: () => floor,
    push: (message) => {
      messages.push(message)
      bytes += message.payload.json.length
      if (message.subject !== undefined) newestOf.set(message.subject, message.position)
      for (let oldest = superfluous(); oldest !== undefined; oldest = superfluous()) forgetFirst(oldest)
    },
    after: (position) => {
      let low = first
      let high = messages.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((messages[middle]?.position ?? 0) > position) high = middle
        else low = middle + 1
      }
      return messages[low]
    },
    isOutdated: ({ position, subject }) => subject !== undefined && (newestOf.get(subject) ?? position) > position,
    clear: (position) => {
      messages = []
      first = 0
      bytes = 0
      floor = position
      newestOf.clear()
    }
  }
}
