/**
 * Runs one program to its end. node:child_process and not Effect's ChildProcess: a decode sends a hundred megabytes
 * through its pipes, and a callback for each chunk costs less than a stream of them; see docs/decisions.md.
 */
import { spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { Effect } from "effect"
import { makeStderrTail } from "./StderrTail.ts"

export interface ProcessRequest {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** In order of their file descriptors, the first of which is 3. */
  readonly outputs: ReadonlyArray<(chunk: Uint8Array) => void>
  readonly onStderrLine: (line: string) => void
}

export interface ProcessResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** How long a program may take to end on its own when it is asked to. */
const killAfterMs = 1000

/**
 * The program leads a process group of its own, and interruption ends the whole group: politely, then not. Returns only
 * when it is gone and its pipes are read to their end. A consumer that throws ends the program; what it threw is a defect.
 */
export const runProcess = (request: ProcessRequest): Effect.Effect<ProcessResult, Error> =>
  Effect.callback<ProcessResult, Error>((resume) => {
    const child = spawn(request.command, [...request.args], {
      detached: true,
      stdio: ["ignore", "ignore", "pipe", ...request.outputs.map(() => "pipe" as const)]
    })
    let thrown: { readonly error: unknown } | undefined
    const killGroup = (signal: NodeJS.Signals) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      // The group can be gone between the check and the call.
      try {
        process.kill(-child.pid, signal)
      } catch {}
    }
    const tail = makeStderrTail(request.onStderrLine)
    child.stderr?.setEncoding("utf8").on("data", tail.write)
    request.outputs.forEach((consume, index) => {
      const pipe = child.stdio[3 + index] as Readable
      pipe.on("data", (chunk: Uint8Array) => {
        if (thrown !== undefined) return
        try {
          consume(chunk)
        } catch (error) {
          thrown = { error }
          killGroup("SIGKILL")
        }
      })
      // A broken pipe ends the program, which is reported as such.
      pipe.on("error", () => {})
    })
    const ended = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        resume(Effect.fail(error))
        resolve()
      })
      child.once("close", (exitCode, signal) => {
        resume(thrown === undefined ? Effect.succeed({ exitCode, signal, stderr: tail.text() }) : Effect.die(thrown.error))
        resolve()
      })
    })
    return Effect.promise(async () => {
      killGroup("SIGTERM")
      const timer = setTimeout(() => killGroup("SIGKILL"), killAfterMs)
      await ended
      clearTimeout(timer)
    })
  })
