/** Mercurius with its JIT compiler, its own pub/sub and the types that the subscription of the fan-out benchmark needs. */
import Fastify from "fastify"
import mercurius from "mercurius"
import { eventData, report, serve } from "../fanout/protocol.ts"

const schema = `
  scalar DateTime
  enum StageName { DOWNLOAD }
  enum StageStatus { RUNNING }
  type JobStage { name: StageName! status: StageStatus! progress: Float! attempt: Int! }
  interface JobEvent { sequence: Int! at: DateTime! }
  type StageProgressedEvent implements JobEvent { sequence: Int! at: DateTime! progress: Float! stage: JobStage! }
  type Query { ok: Boolean }
  type Subscription { jobEvents(jobId: ID!, afterSequence: Int = 0): JobEvent! }
`
const app = Fastify()
await app.register(mercurius, {
  schema,
  resolvers: {
    Subscription: { jobEvents: { subscribe: (_, __, { pubsub }) => pubsub.subscribe("event") } },
    JobEvent: { resolveType: () => "StageProgressedEvent" }
  },
  subscription: true,
  jit: 1
})
await app.listen({ port: 0, host: "127.0.0.1" })
serve((order) => {
  if (order._tag !== "emit") return
  for (let n = order.first; n < order.first + order.count; n++) {
    app.graphql.pubsub.publish({ topic: "event", payload: { jobEvents: { ...eventData(n), sequence: n, at: new Date().toISOString() } } })
  }
})
report({ _tag: "listening", port: app.server.address().port, jobId: "Sm9iOjE=" })
