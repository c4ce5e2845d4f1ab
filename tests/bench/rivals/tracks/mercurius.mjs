/** Mercurius as its manual has it: documents cached, its JIT compiler from the first request on, its own loaders. */
import Fastify from "fastify"
import mercurius from "mercurius"
import { announce, artifactsOf, latestJobOf, resolvers, typeDefs } from "./library.mjs"

const idsOf = (queries) => queries.map(({ obj }) => obj.id)
const app = Fastify()
await app.register(mercurius, {
  schema: typeDefs,
  resolvers,
  loaders: {
    Track: {
      artifacts: async (queries) => {
        const artifacts = await artifactsOf(idsOf(queries))
        return queries.map(({ obj }) => artifacts.get(obj.id) ?? [])
      },
      latestJob: async (queries) => {
        const jobs = await latestJobOf(idsOf(queries))
        return queries.map(({ obj }) => jobs.get(obj.id) ?? null)
      }
    }
  },
  jit: 1
})
await app.listen({ port: 0, host: "127.0.0.1" })
announce(app.server.address().port)
