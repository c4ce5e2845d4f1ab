import { ResourceLimitError } from "../../domain/errors.ts"

export const tooLong = (maxDurationMs: number): ResourceLimitError => {
  const minutes = maxDurationMs / 60_000
  return new ResourceLimitError({ message: `The audio is longer than the ${minutes} minutes that are allowed.`, resource: "durationMinutes", limit: minutes })
}
