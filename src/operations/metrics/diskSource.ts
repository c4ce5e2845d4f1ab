import { statfs } from "node:fs/promises"
import { Effect, Metric } from "effect"
import type { MetricSource } from "./Metrics.ts"

const free = Metric.gauge("playhead_disk_free_bytes", { description: "What may still be written where the data directory is." })
const size = Metric.gauge("playhead_disk_size_bytes", { description: "The size of the disk that the data directory is on." })

export const diskSource = (dataDir: string): MetricSource => ({
  name: "disk",
  read: Effect.map(Effect.tryPromise(() => statfs(dataDir)), ({ bavail, blocks, bsize }) => [[free, bavail * bsize], [size, blocks * bsize]])
})
