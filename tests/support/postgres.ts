/**
 * Global set-up of vitest: offers the databases that tests copy theirs from. Each is made when the first test asks for it
 * and is there until the run ends, so that a run of unit tests starts nothing.
 */
import { createServer } from "node:http"
import { Effect, Redacted } from "effect"
import pg from "pg"
import type { TestProject } from "vitest/node"
import { Database } from "../../src/persistence/Database.ts"
import { migratedPglite } from "./pgliteTemplate.ts"
import { databaseUrl, startPostgres } from "./postgresServer.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Answers `/postgres` with a `PostgresOffer`, `/pglite` with a dump. */
    readonly databases: string
  }
}

/** A server, and on it a database that holds nothing but the tables. */
export interface PostgresOffer {
  readonly url: string
  readonly template: string
}

const migratedServer = async () => {
  const given = process.env["TEST_DATABASE_URL"]
  const server = given === undefined ? await startPostgres({ fsync: false }) : { url: given, stop: async () => {} }
  const template = `playhead_template_${crypto.randomUUID().replaceAll("-", "")}`
  const administer = async (sql: string) => {
    const admin = new pg.Client(server.url)
    await admin.connect()
    await admin.query(sql)
    await admin.end()
  }
  await administer(`create database ${template}`)
  const url = Redacted.make(databaseUrl(server.url, template))
  const layer = Database.layer({ url, dataDir: "memory://", poolSize: 2, statementTimeoutMs: 30_000, migrate: true })
  await Effect.runPromise(Effect.provide(Effect.asVoid(Database), layer))
  const offer: PostgresOffer = { url: server.url, template }
  return {
    offer,
    stop: async () => {
      await administer(`drop database ${template} with (force)`)
      await server.stop()
    }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: ReturnType<typeof migratedServer> | undefined
  let dump: ReturnType<typeof migratedPglite> | undefined
  const offer = createServer((request, response) => {
    const answer =
      request.url === "/postgres"
        ? (server ??= migratedServer()).then(({ offer }) => JSON.stringify(offer))
        : (dump ??= migratedPglite())
    answer.then(
      (body) => response.end(body),
      (error) => response.writeHead(500).end(String(error))
    )
  })
  await new Promise<void>((resolve) => offer.listen(0, "127.0.0.1", resolve))
  const address = offer.address()
  if (typeof address !== "object" || address === null) throw new Error("no address to offer databases at")
  project.provide("databases", `http://127.0.0.1:${address.port}`)
  return async () => {
    offer.closeAllConnections()
    offer.close()
    // One that failed to start has nothing to stop, and its tests have said so.
    await server?.then(
      ({ stop }) => stop(),
      () => {}
    )
  }
}
