/**
 * From the command to the line that says the server is ready, on a new and on an existing data directory.
 *
 *     node tests/bench/start.ts [--rounds 5]
 */
import { parseArgs } from "node:util"
import pg from "pg"
import { databaseUrl, startPostgres } from "../support/postgresServer.ts"
import { spread, surroundings } from "./support/figures.ts"
import { startServer, withDataDirectory } from "./support/serverProcess.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } })
const rounds = Number(values.rounds)
const postgres = await startPostgres({ fsync: true })
console.log(surroundings())

/** Start a server on nothing, stop it, and start it again on what it left. */
const newAndExisting = async (environment: (round: number) => Promise<Readonly<Record<string, string>>>) => {
  const ofNew: Array<number> = []
  const ofExisting: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const settings = await environment(round)
    await withDataDirectory(async (dataDir) => {
      for (const figures of [ofNew, ofExisting]) {
        const server = await startServer(dataDir, settings)
        figures.push(server.startMs)
        await server.stop()
      }
    })
  }
  return { "new, ms": spread(ofNew), "existing, ms": spread(ofExisting) }
}

const newDatabase = async (round: number) => {
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(`create database start_${round}`)
  await client.end()
  return { DATABASE_URL: databaseUrl(postgres.url, `start_${round}`) }
}

console.log(`\nCommand to ready, ${rounds} rounds: median (least – most)`)
console.table({ "PGlite": await newAndExisting(() => Promise.resolve({})), "PostgreSQL": await newAndExisting(newDatabase) })
await postgres.stop()
