export interface StackFrame {
  readonly function: string
  readonly filename: string
  readonly lineno: number
  readonly colno: number
  /** Whether it is our own code. */
  readonly in_app: boolean
}

const maxFrames = 50
const line = /^\s*at (?:(?:async )?(.+?) \()?(?:async )?(?:file:\/\/)?([^()]+?):(\d+):(\d+)\)?$/u

/** The frames of a stack trace of V8, the outermost first, as Sentry wants them. Paths begin where `root` ends. */
export const stackFrames = (stack: string, root: string): ReadonlyArray<StackFrame> =>
  stack
    .split("\n")
    .flatMap((text): ReadonlyArray<StackFrame> => {
      const [, name, path = "", lineno, colno] = line.exec(text) ?? []
      if (lineno === undefined) return []
      const filename = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path
      const inApp = !filename.startsWith("node:") && !filename.includes("node_modules/")
      return [{ function: name ?? "<anonymous>", filename, lineno: Number(lineno), colno: Number(colno), in_app: inApp }]
    })
    .slice(0, maxFrames)
    .toReversed()
