/** CPU-bound work in a thread of its own, which ends with the Effect around it. */
import { Worker } from "node:worker_threads"
import { Effect } from "effect"

/** What a worker posts: how far it is, as often as it likes, and at last its result. */
export type WorkerMessage<Result> = { readonly progress: number } | { readonly result: Result }

export interface WorkerRequest {
  readonly script: URL
  readonly data: unknown
  /** Moved instead of copied. */
  readonly transfer?: ReadonlyArray<ArrayBuffer>
  /** 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

const maxHeapMb = 512

/** Fails with what the worker throws, and when it ends without a result. Interruption ends the thread. */
export const runWorker = <Result>(request: WorkerRequest): Effect.Effect<Result, Error> =>
  Effect.callback<Result, Error>((resume) => {
    const worker = new Worker(request.script, {
      workerData: request.data,
      transferList: [...request.transfer ?? []],
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // The server's own flags and output are none of its business.
      execArgv: [],
      stdout: true,
      stderr: true
    })
    worker.on("message", (message: WorkerMessage<Result>) => {
      if ("progress" in message) request.onProgress?.(message.progress)
      else resume(Effect.succeed(message.result))
    })
    worker.once("error", (cause) => resume(Effect.fail(cause instanceof Error ? cause : new Error(String(cause)))))
    worker.once("exit", () => resume(Effect.fail(new Error("The worker ended without a result"))))
    return Effect.promise(() => worker.terminate())
  })
