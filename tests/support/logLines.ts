import { vi } from "vitest"

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly requestId?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly jobId?: string
  readonly trackId?: string
  readonly kind?: string
  readonly stage?: string
  readonly incidentId?: string
  readonly error?: { readonly code?: string; readonly message: string }
  readonly data?: Readonly<Record<string, unknown>>
}

/** Whatever is logged as JSON from here on, one entry a line; `restore` ends it. */
export const captureLogLines = () => {
  const lines: Array<LogLine> = []
  const spy = vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    lines.push(JSON.parse(String(line)) as LogLine)
  })
  return { lines, restore: () => spy.mockRestore() }
}
