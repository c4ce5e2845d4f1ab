/**
 * A child process in a group of its own, ended with everything it started when the Effect around it ends.
 *
 * Why not effect/process: its pipes pass every chunk through a PassThrough and a Stream. For 106 MB of PCM (10 minutes of
 * stereo) that took 20 % more time and 50 % more CPU of this process than the pipe's own `data` events, and that CPU is
 * what the analyses run on.
 */
import { spawn } from "node:child_process"
import { Readable } from "node:stream"
import { Effect } from "effect"
import { StderrExcerpt } from "./StderrExcerpt.ts"

export interface ChildRequest {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Called synchronously with each chunk that the child writes to this descriptor; the pipe itself holds a fast child back. */
  readonly outputs?: { readonly [fd: `fd${number}`]: (chunk: Uint8Array) => void } | undefined
  readonly onStderrLine?: ((line: string) => void) | undefined
}

export interface ChildOutcome {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The first and the last lines. */
  readonly stderr: string
}

/**
 * What a child gets to end by itself after SIGTERM. Short, because ffmpeg 7.0 with -nostdin ignores the first three, and
 * because what it would write at its end is not wanted any more.
 */
const graceMs = 250

/** Only what is read is a pipe, so none can fill up unread. */
const stdioFor = (fds: Iterable<number>): Array<"ignore" | "pipe"> => {
  const stdio: Array<"ignore" | "pipe"> = ["ignore", "ignore", "pipe"]
  for (const fd of fds) {
    while (stdio.length <= fd) stdio.push("ignore")
    stdio[fd] = "pipe"
  }
  return stdio
}

const signalGroup = (leader: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-leader, signal)
  } catch {
    // Nobody is left in the group.
  }
}

/**
 * Runs a program until it has ended and its pipes are closed. Interruption sends SIGTERM to the whole group, SIGKILL
 * a moment later, and waits for the end. Dies with what a consumer throws, after ending the child in the same way;
 * fails with what `spawn` says if the program cannot be started.
 */
export const runChild = (request: ChildRequest): Effect.Effect<ChildOutcome, Error> =>
  Effect.callback<ChildOutcome, Error>((resume) => {
    const consumers = Object.entries(request.outputs ?? {}).map(([name, consume]) => [Number(name.slice("fd".length)), consume] as const)
    const child = spawn(request.command, request.args, { stdio: stdioFor(consumers.map(([fd]) => fd)), detached: true })
    const stderr = new StderrExcerpt()
    let closed = child.pid === undefined
    let stopping = false
    let thrown: { readonly cause: unknown } | undefined
    let escalation: NodeJS.Timeout | undefined

    /** From here on the pipes are drained unread: a child that waits for its reader may not see the signal. */
    const stop = () => {
      const leader = child.pid
      if (closed || stopping || leader === undefined) return
      stopping = true
      signalGroup(leader, "SIGTERM")
      // Native time, not Clock: the child lives in real time, whatever a test does with its own.
      escalation = setTimeout(() => signalGroup(leader, "SIGKILL"), graceMs)
    }
    const guarded = (consume: () => void) => {
      if (stopping) return
      try {
        consume()
      } catch (cause) {
        thrown = { cause }
        stop()
      }
    }
    const report = (lines: ReadonlyArray<string>) => {
      if (request.onStderrLine) for (const line of lines) request.onStderrLine(line)
    }

    for (const [fd, consume] of consumers) {
      const pipe = child.stdio[fd]
      if (pipe instanceof Readable) pipe.on("data", (chunk: Buffer) => guarded(() => consume(chunk)))
    }
    child.stderr?.on("data", (chunk: Buffer) => guarded(() => report(stderr.push(chunk))))
    child.once("error", (cause) => resume(Effect.fail(cause)))
    child.once("close", (exitCode, signal) => {
      guarded(() => report(stderr.end()))
      closed = true
      clearTimeout(escalation)
      resume(thrown === undefined ? Effect.succeed({ exitCode, signal, stderr: stderr.text }) : Effect.die(thrown.cause))
    })

    return Effect.callback<void>((ended) => {
      if (closed) return ended(Effect.void)
      child.once("close", () => ended(Effect.void))
      stop()
    })
  })
