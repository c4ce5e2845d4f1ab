/** The clauses of docs/job-events.md, each by its number: over real sockets, on real databases. */
import { once } from "node:events"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { Effect, Exit, Layer, Scope } from "effect"
import fc from "fast-check"
import { createClient } from "graphql-ws"
import { describe, expect, it, vi } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { Server } from "../../../src/http/Server.ts"
import { jobChannel } from "../../../src/jobs/jobLog.ts"
import { shortenLogs } from "../../../src/jobs/shortenLogs.ts"
import { Database } from "../../../src/persistence/Database.ts"
import { engines } from "../../support/database.ts"
import { jobId, type TestServer, trackId, useTestServer } from "../../support/testServer.ts"
import { type Answer, appendEvents, eventually, messageOf, type NewEvent, overEvents, overSocket, progressEvent, sequencesOf, socketTo, succeeded, transports, waitingEvent, watchDocument, type Watching } from "../../support/watching.ts"

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
const times = (count: number, event: (n: number) => NewEvent) => Array.from({ length: count }, (_, n) => event(n))
const watching = (job: string, after = 0) => ({ query: watchDocument, variables: { id: jobId(job), after } })

/** More than the buffers of an operating system hold for two ends of a connection: what else is sent has to wait. */
const large = 100_000
const enough = 200

/** Appends in transactions of a size that databases like. */
const appendMany = async (server: TestServer, job: string, events: ReadonlyArray<NewEvent>): Promise<void> => {
  for (let begin = 0; begin < events.length; begin += 20) await appendEvents(server, job, events.slice(begin, begin + 20))
}

/** A second server over the same services, which a test can end. */
const startServer = async (owner: TestServer, port = 0) => {
  const scope = await Effect.runPromise(Scope.make())
  const layer = Server.layer({ host: "127.0.0.1", port, publicUrl: (port) => `http://127.0.0.1:${port}`, corsOrigins: [], maxUploadBytes: 1_000 })
  const context = await owner.runtime.runPromise(Layer.buildWithScope(layer, scope))
  const server = await Effect.runPromise(Effect.provide(Server, context))
  return { port: server.port, url: `${server.url}/graphql`, stop: () => owner.runtime.runPromise(Scope.close(scope, Exit.void)) }
}

describe.each(engines)("docs/job-events.md on %s", (engine) => {
  const server = useTestServer(engine)
  const newJob = async () => (await server.insertTrack()).jobId

  it.each(transports)("1.2 tells a later reader the same as who saw it live, over %s", async (_name, watch) => {
    const job = await newJob()
    const live = await watch(server.url(), watching(job))
    await eventually(() => live.answers.length).toBe(1)
    for (const event of [{ kind: "JobStartedEvent", data: { attempt: 1 } }, progressEvent(0.5), waitingEvent(3), succeeded]) await appendEvents(server, job, [event])
    await live.ended
    const later = await watch(server.url(), watching(job))
    await later.ended
    expect(live.answers.length).toBe(5)
    expect(later.answers).toEqual(live.answers)
  })

  it("1.2 shows the job as it stands when the answer is made", async () => {
    const job = await newJob()
    const operation = { query: "subscription ($id: ID!) { jobEvents(jobId: $id) { sequence job { lastSequence } } }", variables: { id: jobId(job) } }
    const first = await overSocket(server.url(), operation)
    await eventually(() => first.answers.length).toBe(1)
    await appendEvents(server, job, [waitingEvent()])
    await eventually(() => first.answers.length).toBe(2)
    const second = await overSocket(server.url(), operation)
    await eventually(() => second.answers.length).toBe(2)
    expect(first.answers.map((answer) => answer.data.jobEvents.job.lastSequence)).toEqual([1, 2])
    expect(second.answers.map((answer) => answer.data.jobEvents.job.lastSequence)).toEqual([2, 2])
    first.cut()
    second.cut()
  })

  it.each(transports)("2.1 sends what is stored behind a sequence and then what comes, in order and once, over %s", async (_name, watch) => {
    const job = await newJob()
    await appendEvents(server, job, times(249, (n) => progressEvent(n / 1_000)))
    const all = await watch(server.url(), watching(job))
    const some = await watch(server.url(), watching(job, 240))
    await eventually(() => all.answers.length).toBe(250)
    for (let n = 0; n < 5; n++) await appendEvents(server, job, [waitingEvent()])
    await eventually(() => all.answers.length + some.answers.length).toBe(255 + 15)
    expect(sequencesOf(all)).toEqual(upTo(255))
    expect(sequencesOf(some)).toEqual(upTo(255, 241))
    all.cut()
    some.cut()
  })

  it("2.2 misses and repeats no event, whenever a subscription begins", async () => {
    const job = await newJob()
    const clients: Array<Watching> = []
    const write = async () => {
      for (let n = 0; n < 60; n++) await appendEvents(server, job, times(1 + (n % 3), () => waitingEvent()))
      await appendEvents(server, job, [succeeded])
    }
    const subscribe = async () => {
      for (let n = 0; n < 30; n++) {
        clients.push(await overSocket(server.url(), watching(job)))
        await pause(Math.random() * 10)
      }
    }
    await Promise.all([write(), subscribe()])
    for (const client of clients) {
      expect(await client.ended).toBe("complete")
      expect(sequencesOf(client)).toEqual(upTo(122))
    }
  })

  it("2.3 completes after the terminal event", async () => {
    const job = await newJob()
    const client = await overSocket(server.url(), watching(job))
    await appendEvents(server, job, [waitingEvent(), succeeded])
    expect(await client.ended).toBe("complete")
    expect(client.answers.at(-1)?.data.jobEvents.__typename).toBe("JobSucceededEvent")
  })

  it.each(transports)("2.4 completes at once behind the end of a finished job, over %s", async (_name, watch) => {
    const job = await newJob()
    await appendEvents(server, job, [succeeded])
    for (const after of [2, 7]) {
      const client = await watch(server.url(), watching(job, after))
      expect(await client.ended).toBe("complete")
      expect(client.answers).toEqual([])
    }
  })

  it("2.5 waits for a sequence that is ahead of the log", async () => {
    const job = await newJob()
    const client = await overSocket(server.url(), watching(job, 4))
    await pause(100)
    for (let n = 0; n < 5; n++) await appendEvents(server, job, [waitingEvent()])
    await eventually(() => client.answers.length).toBe(2)
    expect(sequencesOf(client)).toEqual([5, 6])
    client.cut()
  })

  it.each(transports)("2.6 refuses unknown jobs and sequences below 0 before any event, over %s", async (_name, watch) => {
    const job = await newJob()
    const refused = async (operation: Parameters<typeof watch>[1]) => {
      const client = await watch(server.url(), operation)
      const outcome = await client.ended
      const errors: Answer = Array.isArray(outcome) ? outcome : client.answers[0]?.errors
      expect(client.answers.some(({ data }) => data)).toBe(false)
      return errors[0].extensions.code
    }
    expect(await refused(watching("00000000-0000-7000-8000-000000000000"))).toBe("NOT_FOUND")
    expect(await refused({ query: watchDocument, variables: { id: trackId(job), after: 0 } })).toBe("NOT_FOUND")
    expect(await refused(watching(job, -1))).toBe("INVALID_INPUT")
  })

  it("2.8 sends each subscription of a socket the events of its own job only", async () => {
    const jobs = [await newJob(), await newJob(), await newJob()]
    const { socket, subscribe } = await socketTo(server.url())
    const query = "subscription ($id: ID!) { jobEvents(jobId: $id) { sequence job { id } } }"
    const clients = jobs.map((job) => subscribe({ query, variables: { id: jobId(job) } }))
    for (const [index, job] of jobs.entries()) await appendEvents(server, job, times(index + 1, () => waitingEvent()))
    for (const [index, client] of clients.entries()) {
      await eventually(() => client.answers.length).toBe(index + 2)
      expect(client.answers.every((answer) => answer.data.jobEvents.job.id === jobId(jobs[index]!))).toBe(true)
    }
    socket.terminate()
  })

  it.each(transports)("3.1 leaves nothing out while a connection takes what it is sent, over %s", async (_name, watch) => {
    const job = await newJob()
    const client = await watch(server.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    for (let n = 0; n < 40; n++) await appendEvents(server, job, times(10, () => progressEvent(n / 100)))
    await appendEvents(server, job, [succeeded])
    await client.ended
    expect(sequencesOf(client)).toEqual(upTo(402))
  })

  it("5.1 closes sockets with 1012 when it stops, and completes nothing that is not over", async () => {
    const job = await newJob()
    const own = await startServer(server)
    const client = await overSocket(own.url, watching(job))
    await eventually(() => client.answers.length).toBe(1)
    await own.stop()
    expect(await client.ended).toBe(1012)
  })

  it("6.3 answers pings of graphql-transport-ws", async () => {
    const { controls, socket } = await socketTo(server.url())
    socket.send(JSON.stringify({ type: "ping", payload: { a: 1 } }))
    await eventually(() => controls.at(-1)).toEqual({ type: "pong", payload: { a: 1 } })
    socket.terminate()
  })

  it("6.4 sends comments on event streams that are silent", async () => {
    const client = await overEvents(server.url(), watching(await newJob()))
    await eventually(client.comments).toBeGreaterThan(2)
    client.cut()
  })

  it("7.1 sends clients that come back what they missed, under any interleaving of events, losses and returns", async () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant("write" as const), progress: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("return" as const), client: fc.nat(2), cut: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(15) }) }
    )
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 3, maxLength: 25 }), fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), async (commands, firstAfters) => {
        const job = await newJob()
        const places = firstAfters.map((after) => ({ after, got: [] as Array<number> }))
        const connect = (index: number) => (index === 0 ? overEvents : overSocket)(server.url(), watching(job, places[index]?.got.at(-1) ?? places[index]?.after))
        const clients: Array<Watching> = await Promise.all(places.map((_, index) => connect(index)))
        const keep = (index: number) => places[index]?.got.push(...sequencesOf(clients[index]!))
        let last = 1
        for (const step of commands) {
          if (step.do === "wait") await pause(step.ms)
          if (step.do === "write") {
            last += step.progress.length
            await appendEvents(server, job, step.progress.map((progress) => progress ? progressEvent(last / 1_000) : waitingEvent()))
          }
          if (step.do === "return") {
            clients[step.client]?.cut()
            keep(step.client)
            clients[step.client] = await connect(step.client)
          }
        }
        await appendEvents(server, job, [succeeded])
        for (const [index, client] of clients.entries()) {
          expect(await client.ended).toBe("complete")
          keep(index)
          const { after, got } = places[index]!
          expect(got).toEqual(upTo(last + 1, after + 1))
        }
      }),
      { numRuns: 12, endOnFailure: true }
    )
  }, 120_000)

  it("8.1 completes a stream of server-sent events after the terminal event, and ends the response", async () => {
    const job = await newJob()
    const client = await overEvents(server.url(), watching(job))
    await appendEvents(server, job, [waitingEvent(), succeeded])
    expect(await client.ended).toBe("complete")
    expect(sequencesOf(client)).toEqual([1, 2, 3])
  })

  it("8.4 breaks event streams off when it stops, without completing them", async () => {
    const job = await newJob()
    const own = await startServer(server)
    const client = await overEvents(own.url, watching(job))
    await eventually(() => client.answers.length).toBe(1)
    await own.stop()
    expect(await client.ended).toBe("cut off")
  })

  it("9.1 sends the terminal event of a log that was shortened, and completes", async () => {
    const job = await newJob()
    await appendEvents(server, job, [...times(5, () => waitingEvent()), succeeded])
    await server.sql("update job set finished_at = now() - interval '10 days' where id = $1", [job])
    expect(await server.runtime.runPromise(Effect.flatMap(Database, (database) => shortenLogs(database, 5)))).toBe(1)
    for (const after of [0, 3]) {
      const client = await overSocket(server.url(), watching(job, after))
      expect(await client.ended).toBe("complete")
      expect(sequencesOf(client)).toEqual([7])
    }
  })

  const changes = "subscription ($filter: JobFilter) { jobChanged(filter: $filter) { id status lastSequence } }"
  const statesOf = ({ answers }: Watching) => answers.map(({ data }) => [data.jobChanged.id, data.jobChanged.status])

  it.each(transports)("11.1 sends each unfinished job that matches at once, over %s", async (_name, watch) => {
    const { jobId: job, trackId: track } = await server.insertTrack()
    await server.insertTrack()
    const client = await watch(server.url(), { query: changes, variables: { filter: { trackId: trackId(track) } } })
    await eventually(() => statesOf(client)).toEqual([[jobId(job), "QUEUED"]])
    await pause(100)
    expect(client.answers.length).toBe(1)
    client.cut()
  })

  it("11.2 sends each job that matches whenever it changes, and when it ends", async () => {
    const { jobId: job, trackId: track } = await server.insertTrack()
    const other = await newJob()
    const client = await overSocket(server.url(), { query: changes, variables: { filter: { trackId: trackId(track) } } })
    await eventually(() => client.answers.length).toBe(1)
    await appendEvents(server, other, [waitingEvent()])
    await appendEvents(server, job, [waitingEvent()])
    await eventually(() => client.answers.length).toBe(2)
    await appendEvents(server, job, [succeeded])
    await eventually(() => statesOf(client)).toEqual([[jobId(job), "QUEUED"], [jobId(job), "RUNNING"], [jobId(job), "SUCCEEDED"]])
    client.cut()
  })

  it("11.4 sends who comes back the current state, and never completes", async () => {
    const { jobId: job, trackId: track } = await server.insertTrack()
    const operation = { query: changes, variables: { filter: { trackId: trackId(track) } } }
    const first = await overSocket(server.url(), operation)
    await eventually(() => first.answers.length).toBe(1)
    await appendEvents(server, job, [waitingEvent()])
    await eventually(() => first.answers.length).toBe(2)
    first.cut()
    await first.ended
    const second = await overSocket(server.url(), operation)
    await eventually(() => statesOf(second)).toEqual([[jobId(job), "RUNNING"]])
    await appendEvents(server, job, [succeeded])
    await eventually(() => second.answers.length).toBe(2)
    second.cut()
    expect(await second.ended).toBe(1006)
    const third = await overSocket(server.url(), operation)
    await pause(200)
    expect(third.answers).toEqual([])
    third.cut()
  })

  it("12.1 reads, executes and serialises an event once for all who subscribe alike, wherever they began", async () => {
    const job = await newJob()
    const query = "subscription ($id: ID!, $after: Int) { jobEvents(jobId: $id, afterSequence: $after) { sequence job { id } } }"
    const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => overSocket(server.url(), { query, variables: { id: jobId(job), after: n % 2 } })))
    await eventually(() => clients.reduce((sum, { answers }) => sum + answers.length, 0)).toBe(10)
    const stringify = vi.spyOn(JSON, "stringify")
    server.queries.length = 0
    await appendEvents(server, job, [waitingEvent()])
    await eventually(() => clients.every((client) => sequencesOf(client).includes(2))).toBe(true)
    const serialised = stringify.mock.calls.filter(([value]) => (value as Answer)?.data?.jobEvents?.sequence === 2)
    stringify.mockRestore()
    expect(server.queries).toEqual(["jobEvents.after", "jobs.byId"])
    expect(serialised.length).toBe(1)
    for (const client of clients) client.cut()
  })

  it("12.2 gives subscriptions that select otherwise their own answers", async () => {
    const job = await newJob()
    const select = (selection: string) => overSocket(server.url(), { query: `subscription ($id: ID!) { jobEvents(jobId: $id) { ${selection} } }`, variables: { id: jobId(job) } })
    const withVariable = (value: boolean) =>
      overSocket(server.url(), { query: "subscription ($id: ID!, $with: Boolean!) { jobEvents(jobId: $id) { sequence at @include(if: $with) } }", variables: { id: jobId(job), with: value } })
    const clients = await Promise.all([select("sequence"), select("number: sequence"), select("__typename"), withVariable(true), withVariable(false)])
    await appendEvents(server, job, [waitingEvent()])
    for (const client of clients) await eventually(() => client.answers.length).toBe(2)
    const keys = clients.map(({ answers }) => answers.map(({ data }) => Object.keys(data.jobEvents).join()))
    expect(keys).toEqual([["sequence", "sequence"], ["number", "number"], ["__typename", "__typename"], ["sequence,at", "sequence,at"], ["sequence", "sequence"]])
    for (const client of clients) client.cut()
  })
})

describe("docs/job-events.md with clients that do not keep up", () => {
  const limitBytes = 256 * 1024
  const server = useTestServer("postgres", { settings: { maxWaitingBytes: limitBytes } })
  const generous = useTestServer("postgres", { settings: { maxWaitingBytes: 1024 ** 3 } })
  const newJob = async (owner: TestServer) => (await owner.insertTrack()).jobId

  it.each(transports)("3.2 leaves out progress that is out of date while a connection takes nothing, over %s", async (_name, watch) => {
    const job = await newJob(generous)
    const client = await watch(generous.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(generous, job, times(enough, (n) => progressEvent(n / 1_000, { attempt: n < enough / 2 ? 1 : 2, padding: large })))
    client.resume()
    await appendMany(generous, job, [succeeded])
    expect(await client.ended).toBe("complete")
    const got = sequencesOf(client)
    expect(got.length).toBeLessThan(enough)
    // The newest of each try, and all that is no progress.
    expect(got).toEqual(expect.arrayContaining([1, 1 + enough / 2, 1 + enough, 2 + enough]))
    expect(got).toEqual(got.toSorted((a, b) => a - b))
  }, 60_000)

  it.each(transports)("3.3 leaves out no event but progress, over %s", async (_name, watch) => {
    const job = await newJob(generous)
    const client = await watch(generous.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    const events = times(enough, (n) => n % 10 === 0 ? waitingEvent(large) : progressEvent(n / 1_000, { padding: large }))
    await appendMany(generous, job, events)
    client.resume()
    await appendMany(generous, job, [succeeded])
    await client.ended
    const got = new Set(sequencesOf(client))
    expect(events.flatMap(({ kind }, n) => kind === "JobWaitingEvent" ? [n + 2] : []).filter((sequence) => !got.has(sequence))).toEqual([])
    expect(got.size).toBeLessThan(enough)
  }, 60_000)

  it.each(transports)("3.4 leaves out nothing that was stored when the subscription began, over %s", async (_name, watch) => {
    const job = await newJob(generous)
    await appendMany(generous, job, times(enough, (n) => progressEvent(n / 1_000, { padding: large })))
    const client = await watch(generous.url(), watching(job))
    client.pause()
    await pause(300)
    await appendMany(generous, job, [progressEvent(0.9), progressEvent(0.95)])
    client.resume()
    await appendMany(generous, job, [succeeded])
    await client.ended
    expect(sequencesOf(client).slice(0, enough + 1)).toEqual(upTo(enough + 1))
  }, 60_000)

  it.each(transports)("4.1 keeps nothing in memory for a client that has stalled, over %s", async (_name, watch) => {
    setFlagsFromString("--expose-gc")
    const collectGarbage = runInNewContext("gc") as () => void
    const usedBytes = () => {
      collectGarbage()
      const { arrayBuffers, heapUsed } = process.memoryUsage()
      return arrayBuffers + heapUsed
    }
    const job = await newJob(generous)
    const client = await watch(generous.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(generous, job, times(100, () => waitingEvent(large)))
    const before = usedBytes()
    await appendMany(generous, job, times(400, () => waitingEvent(large)))
    // What is on its way through the server takes a moment to be let go; what is kept for the client would stay.
    await eventually(() => usedBytes() - before).toBeLessThan(8_000_000)
    client.resume()
    await eventually(() => client.answers.length).toBe(501)
    client.cut()
  }, 60_000)

  it("4.2 closes a socket with 4413 when more waits for it than the limit", async () => {
    const job = await newJob(server)
    const client = await overSocket(server.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(server, job, times(enough, () => waitingEvent(large)))
    client.resume()
    expect(await client.ended).toBe(4413)
    expect(client.answers.length).toBeLessThan(enough)
    expect(sequencesOf(client)).toEqual(upTo(client.answers.length))
  }, 60_000)

  it("4.3 closes no socket for progress alone", async () => {
    const job = await newJob(server)
    const client = await overSocket(server.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(server, job, times(enough, (n) => progressEvent(n / 1_000, { padding: large })))
    client.resume()
    await appendEvents(server, job, [succeeded])
    expect(await client.ended).toBe("complete")
    expect(sequencesOf(client).slice(-2)).toEqual([enough + 1, enough + 2])
  }, 60_000)

  it("4.4 loses nothing for a client that was closed and comes back", async () => {
    const job = await newJob(server)
    const first = await overSocket(server.url(), watching(job))
    await eventually(() => first.answers.length).toBe(1)
    first.pause()
    await appendMany(server, job, times(enough, () => waitingEvent(large)))
    first.resume()
    expect(await first.ended).toBe(4413)
    const second = await overSocket(server.url(), watching(job, sequencesOf(first).at(-1)))
    await appendEvents(server, job, [succeeded])
    expect(await second.ended).toBe("complete")
    expect([...sequencesOf(first), ...sequencesOf(second)]).toEqual(upTo(enough + 2))
  }, 60_000)

  it("4.5 delays nobody for a client that stalls", async () => {
    const job = await newJob(generous)
    const stalled = await overSocket(generous.url(), watching(job))
    const others = await Promise.all(Array.from({ length: 5 }, () => overSocket(generous.url(), watching(job))))
    await eventually(() => stalled.answers.length).toBe(1)
    stalled.pause()
    await appendMany(generous, job, times(enough, () => waitingEvent(large)))
    for (const other of others) await eventually(() => sequencesOf(other)).toEqual(upTo(enough + 1))
    expect(stalled.answers.length).toBeLessThan(enough)
    for (const client of [stalled, ...others]) client.cut()
  }, 60_000)

  it("5.3 completes nothing when it closes a client that fell behind", async () => {
    const job = await newJob(server)
    const { closed, socket, subscribe } = await socketTo(server.url())
    const types: Array<string> = []
    socket.on("message", (data) => types.push(messageOf(data).type))
    const client = subscribe(watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(server, job, [...times(enough, () => waitingEvent(large)), succeeded])
    client.resume()
    expect(await closed).toBe(4413)
    expect(new Set(types)).toEqual(new Set(["next"]))
  }, 60_000)

  it("8.2 sends everything to a slow reader of an event stream", async () => {
    const job = await newJob(generous)
    const client = await overEvents(generous.url(), watching(job))
    client.pause()
    await appendMany(generous, job, [...times(enough, () => waitingEvent(large)), succeeded])
    client.resume()
    expect(await client.ended).toBe("complete")
    expect(sequencesOf(client)).toEqual(upTo(enough + 2))
  }, 60_000)

  it.each(transports)("11.3 sends the newest state of each job to a connection that does not keep up, over %s", async (_name, watch) => {
    const jobs = [await generous.insertTrack(), await generous.insertTrack()]
    const failure = JSON.stringify({ _tag: "StorageError", message: "x".repeat(large) })
    for (const { jobId: job } of jobs) await generous.sql("update job set failure = $2 where id = $1", [job, failure])
    const query = "subscription { jobChanged(filter: { kind: [IMPORT] }) { id status lastSequence failure { message } } }"
    const client = await watch(generous.url(), { query, variables: {} })
    await eventually(() => client.answers.length).toBeGreaterThan(1)
    client.pause()
    for (let n = 0; n < enough / 2; n++) for (const { jobId: job } of jobs) await appendEvents(generous, job, [waitingEvent()])
    for (const { jobId: job } of jobs) await appendEvents(generous, job, [succeeded])
    client.resume()
    const newest = () => new Map(client.answers.map(({ data }) => [data.jobChanged.id, `${data.jobChanged.status} ${data.jobChanged.lastSequence}`]))
    for (const { jobId: job } of jobs) await eventually(() => newest().get(jobId(job))).toBe(`SUCCEEDED ${enough / 2 + 2}`)
    expect(client.answers.length).toBeLessThan(enough)
    client.cut()
  }, 60_000)
})

describe("docs/job-events.md on connections that are lost", () => {
  const keepAliveMs = 1_000
  const server = useTestServer("postgres", { settings: { keepAliveMs } })
  const newJob = async () => (await server.insertTrack()).jobId

  it("6.1 pings", async () => {
    const { socket } = await socketTo(server.url())
    let pings = 0
    socket.on("ping", () => { pings += 1 })
    await eventually(() => pings).toBeGreaterThan(2)
    expect(socket.readyState).toBe(socket.OPEN)
    socket.terminate()
  })

  it("6.2 cuts off who does not answer", async () => {
    const socket = new WebSocket(server.url().replace("http", "ws"), "graphql-transport-ws", { autoPong: false })
    const begun = Date.now()
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(1006)
    expect(Date.now() - begun).toBeGreaterThan(keepAliveMs)
  })

  it("8.3 cuts off an event stream that takes nothing, and loses nothing when its client comes back", async () => {
    const job = await newJob()
    const client = await overEvents(server.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    client.pause()
    await appendMany(server, job, times(enough, () => waitingEvent(large)))
    await pause(keepAliveMs * 4)
    client.resume()
    expect(await client.ended).toBe("cut off")
    const got = sequencesOf(client)
    expect(got).toEqual(upTo(got.length))
    const second = await overEvents(server.url(), watching(job, got.at(-1)))
    await appendEvents(server, job, [succeeded])
    expect(await second.ended).toBe("complete")
    expect([...got, ...sequencesOf(second)]).toEqual(upTo(enough + 2))
  }, 60_000)

  it("8.3 keeps an event stream on which nothing happens", async () => {
    const job = await newJob()
    const client = await overEvents(server.url(), watching(job))
    await pause(keepAliveMs * 3)
    await appendEvents(server, job, [succeeded])
    expect(await client.ended).toBe("complete")
  })

  it.each([["4413", 4413], ["1012", 1012], ["1006", 1006]])("5.2 is understood by graphql-ws as a reason to connect again: %s", async (_name, code) => {
    const fake = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "graphql-transport-ws" })
    let connections = 0
    let subscriptions = 0
    fake.on("connection", (socket) => {
      connections += 1
      socket.send(JSON.stringify({ type: "connection_ack" }))
      socket.on("message", (data) => {
        if (messageOf(data).type !== "subscribe") return
        subscriptions += 1
        if (subscriptions > 1) return
        if (code === 1006) socket.terminate()
        else socket.close(code)
      })
    })
    await once(fake, "listening")
    const { port } = fake.address() as { port: number }
    const client = createClient({ url: `ws://127.0.0.1:${port}`, webSocketImpl: WebSocket, retryWait: () => Promise.resolve() })
    const failed: Array<unknown> = []
    client.subscribe({ query: "subscription { x }" }, { next: () => {}, error: (error) => failed.push(error), complete: () => {} })
    await eventually(() => [connections, subscriptions]).toEqual([2, 2])
    expect(failed).toEqual([])
    client.terminate()
    fake.close()
    for (const socket of fake.clients) socket.terminate()
  })

  it("7.2 shows each event once to a client that is written like the example", async () => {
    const document = readFileSync("docs/job-events.md", "utf8")
    const example = /```ts\n([\s\S]*?)```/u.exec(document)?.[1] ?? ""
    const own = await startServer(server)
    const code = stripTypeScriptTypes(example.replace(/^import .*$/mu, "")).replace("wss://playhead.example.org/graphql", own.url.replace("http", "ws"))
    // oxlint-disable-next-line typescript/no-implied-eval -- the document's own text is what is tested
    const follow = new Function("createClient", `${code}; return follow`)(createClient) as (jobId: string, onEvent: (event: { sequence: number }) => void, onEnd: () => void) => () => void
    const job = await newJob()
    const got: Array<number> = []
    let ended = false
    const stop = follow(jobId(job), ({ sequence }) => got.push(sequence), () => { ended = true })
    await eventually(() => got).toEqual([1])
    await own.stop()
    await appendEvents(server, job, times(3, () => waitingEvent()))
    const again = await startServer(server, own.port)
    await appendEvents(server, job, [succeeded])
    await eventually(() => ended).toBe(true)
    expect(got).toEqual([1, 2, 3, 4, 5])
    stop()
    await again.stop()
  })

  it("10.3 finds events whose announcement was lost within ten seconds, and 2.7 jobs that were deleted", async () => {
    const [kept, deleted] = [await newJob(), await newJob()]
    const client = await overSocket(server.url(), watching(kept))
    const witness = await overSocket(server.url(), watching(deleted))
    const events = await overEvents(server.url(), watching(deleted))
    await eventually(() => client.answers.length + witness.answers.length + events.answers.length).toBe(3)
    await appendEvents(server, kept, [waitingEvent(), waitingEvent()], { announce: false })
    await server.sql("delete from job where id = $1", [deleted])
    const begun = Date.now()
    await eventually(() => sequencesOf(client)).toEqual([1, 2, 3])
    expect(Date.now() - begun).toBeLessThan(13_000)
    expect(await witness.ended).toMatchObject([{ extensions: { code: "NOT_FOUND" } }])
    expect(await events.ended).toMatchObject([{ extensions: { code: "NOT_FOUND" } }])
    client.cut()
  }, 60_000)

  it("10.4 goes on when a database is back that was lost", async () => {
    const job = await newJob()
    const client = await overSocket(server.url(), watching(job))
    const changed = await overSocket(server.url(), { query: "subscription ($id: [JobKind!]) { jobChanged(filter: { kind: $id }) { id lastSequence } }", variables: { id: ["IMPORT"] } })
    await eventually(() => client.answers.length).toBe(1)
    for (let n = 0; n < 3; n++) {
      await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
      await appendEvents(server, job, [waitingEvent()])
    }
    await appendEvents(server, job, [succeeded])
    expect(await client.ended).toBe("complete")
    expect(sequencesOf(client)).toEqual([1, 2, 3, 4, 5])
    await eventually(() => changed.answers.findLast(({ data }) => data.jobChanged.id === jobId(job))?.data.jobChanged.lastSequence).toBe(5)
    changed.cut()
  }, 60_000)

  it("10.4 goes on when a database was too busy to answer", async () => {
    const job = await newJob()
    const client = await overSocket(server.url(), watching(job))
    await eventually(() => client.answers.length).toBe(1)
    const giveUpReading = async () => {
      await server.sql("select pg_notify($1, $2)", [jobChannel, job])
      const gaveUp = () => server.sql("select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
      await expect.poll(gaveUp, { timeout: 10_000 }).not.toEqual([])
    }
    await server.runtime.runPromise(Effect.flatMap(Database, ({ transaction }) =>
      transaction((tx) => Effect.andThen(tx.query("lock table job_event in access exclusive mode"), Effect.promise(giveUpReading)))))
    await appendEvents(server, job, [succeeded])
    expect(await client.ended).toBe("complete")
    expect(sequencesOf(client)).toEqual([1, 2])
  }, 60_000)
})
