/** The clauses of docs/job-events.md that take real jobs, or more than one node. */
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp, submitImport, watch } from "../support/app.ts"
import { encoded, songA } from "../support/audio.ts"
import { freshPostgres } from "../support/database.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"
import { eventually, overEvents, overSocket, sequencesOf, watchDocument } from "../support/watching.ts"

const terminal = new Set(["JobSucceededEvent", "JobFailedEvent", "JobCancelledEvent"])
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe("docs/job-events.md with real jobs on several nodes", () => {
  const scope = Scope.makeUnsafe()
  let source: SourceServer
  let worker: App
  let nodes: ReadonlyArray<App>

  beforeAll(async () => {
    const song = file(await encoded("job-events.mp3", ["-i", songA, "-b:a", "96k"]))
    source = await startSourceServer({ "/first.mp3": song, "/second.mp3": song, "/third.mp3": song, "/fourth.mp3": song })
    const database = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    const environment = { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host }
    worker = await startApp("postgres", environment, database)
    const apiOnly = () => startApp("postgres", { ...environment, PLAYHEAD_ROLES: "api" }, database)
    nodes = [await apiOnly(), await apiOnly()]
  })
  afterAll(async () => {
    for (const app of [...nodes, worker]) await app.stop()
    await source.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const submit = async (path: string): Promise<string> => (await submitImport(nodes[0]!, { source: { url: source.url(path) } })).job?.id ?? ""

  it("1.1 numbers a job's events from 1, each one more than the one before", async () => {
    const events = await watch(worker, await submit("/first.mp3"))
    expect(events.length).toBeGreaterThan(5)
    expect(events.map(({ sequence }) => sequence)).toEqual(upTo(events.length))
  })

  it.each(["/second.mp3", "/missing.mp3"])("1.3 ends a job's log with its one terminal event: %s", async (path) => {
    const id = await submit(path)
    await watch(worker, id)
    const { job } = await worker.query<{ job: { lastSequence: number; events: ReadonlyArray<{ __typename: string; sequence: number }> } }>(
      "query($id: ID!) { job(id: $id) { lastSequence events { __typename sequence } } }",
      { id }
    )
    expect(job.events.filter(({ __typename }) => terminal.has(__typename)).map(({ sequence }) => sequence)).toEqual([job.lastSequence])
    expect(job.events.at(-1)?.sequence).toBe(job.lastSequence)
  })

  it("10.1 brings every event to the subscribers of every node", async () => {
    const id = await submit("/third.mp3")
    const operation = { query: watchDocument, variables: { id, after: 0 } }
    const clients = [await overSocket(`${nodes[0]?.url}/graphql`, operation), await overEvents(`${nodes[1]?.url}/graphql`, operation), await overSocket(`${worker.url}/graphql`, operation)]
    for (const client of clients) expect(await client.ended).toBe("complete")
    expect(sequencesOf(clients[0]!)).toEqual(upTo(clients[0]!.answers.length))
    expect(clients[1]?.answers).toEqual(clients[0]?.answers)
    expect(clients[2]?.answers).toEqual(clients[0]?.answers)
  })

  it("10.2 takes a client that comes back to another node", async () => {
    const id = await submit("/fourth.mp3")
    const first = await overSocket(`${nodes[0]?.url}/graphql`, { query: watchDocument, variables: { id, after: 0 } })
    await eventually(() => first.answers.length).toBeGreaterThan(1)
    first.cut()
    await first.ended
    const got = sequencesOf(first)
    const second = await overSocket(`${nodes[1]?.url}/graphql`, { query: watchDocument, variables: { id, after: got.at(-1) } })
    expect(await second.ended).toBe("complete")
    const all = [...got, ...sequencesOf(second)]
    expect(all).toEqual(upTo(all.length))
  })
})
