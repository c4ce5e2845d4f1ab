import type { AnyJobKind } from "./JobKinds.ts"

/** How much of a job is done, 0 to 1, when the stage at this position is done to this fraction: by the weights of its stages. */
export const progressOf = ({ stages }: AnyJobKind, position: number, fraction: number): number => {
  const weights = stages.map((stage) => stage.weight)
  const sum = (values: ReadonlyArray<number>) => values.reduce((total, weight) => total + weight, 0)
  return (sum(weights.slice(0, position)) + (weights[position] ?? 0) * fraction) / sum(weights)
}
