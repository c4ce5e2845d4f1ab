/** Apollo Server as its manual has it, standalone, with a dataloader for each batch; it keeps parsed and validated documents. */
import { ApolloServer } from "@apollo/server"
import { startStandaloneServer } from "@apollo/server/standalone"
import DataLoader from "dataloader"
import { announce, artifactsOf, latestJobOf, resolvers, typeDefs } from "./library.mjs"

const server = new ApolloServer({
  typeDefs,
  resolvers: {
    ...resolvers,
    Track: {
      ...resolvers.Track,
      artifacts: ({ id }, _, { artifacts }) => artifacts.load(id),
      latestJob: ({ id }, _, { latestJob }) => latestJob.load(id)
    }
  }
})
const context = async () => ({
  artifacts: new DataLoader(async (ids) => {
    const found = await artifactsOf(ids)
    return ids.map((id) => found.get(id) ?? [])
  }),
  latestJob: new DataLoader(async (ids) => {
    const found = await latestJobOf(ids)
    return ids.map((id) => found.get(id) ?? null)
  })
})
const { url } = await startStandaloneServer(server, { context, listen: { port: 0, host: "127.0.0.1" } })
announce(new URL(url).port, "/")
