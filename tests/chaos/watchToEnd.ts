import { setTimeout as pause } from "node:timers/promises"
import { type Event, watch } from "../support/app.ts"

/** A job's last event. A stream may be lost on a busy machine, or where a dependency is gone: its client comes back, as clients do. */
export const watchToEnd = async (app: Parameters<typeof watch>[0], jobId: string): Promise<Event | undefined> => {
  for (let tries = 1; ; tries++) {
    try {
      return (await watch(app, jobId)).at(-1)
    } catch (lost) {
      if (tries === 20) throw lost
      await pause(1000)
    }
  }
}
