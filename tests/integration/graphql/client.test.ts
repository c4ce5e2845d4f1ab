import { describe, expect, it } from "vitest"
import { connect } from "../../client/client.ts"
import { jobId, useTestServer } from "../../support/testServer.ts"

describe("a client whose documents are typed from schema.graphql", () => {
  const server = useTestServer("pglite")
  const client = () => connect(new URL(server.url()).origin)

  it("imports, reads all pages of the library and watches a job to its end", async () => {
    for (let n = 0; n < 12; n += 1) await server.insertTrack({ title: `Song ${n}`, status: "READY" })
    const { job, replayed, track } = await client().importTrack({ source: { url: "https://example.org/a.mp3" }, title: "New" })
    expect({ replayed, status: job.status, title: track.title }).toEqual({ replayed: false, status: "QUEUED", title: "New" })
    const ready = await Array.fromAsync(client().tracks({ filter: { status: ["READY"] } }))
    expect(ready.map(({ title }) => title)).toEqual(Array.from({ length: 12 }, (_, n) => `Song ${11 - n}`))

    const { jobId: watched } = await server.insertTrack()
    await server.appendEvent(watched, "JobStartedEvent", { attempt: 1 })
    await server.appendEvent(watched, "JobCancelledEvent", {}, "CANCELLED")
    const events = await Array.fromAsync(client().jobEvents(jobId(watched), 1))
    expect(events).toEqual([{ __typename: "JobStartedEvent", sequence: 2 }, { __typename: "JobCancelledEvent", sequence: 3 }])
  })

  it("tells its user what the server says is wrong", async () => {
    await expect(client().importTrack({ source: { url: "https://example.org/a.mp3" }, title: "" })).rejects.toThrow("input.title: ")
    await expect(client().importTrack({ source: { url: "https://blocked.example/" } })).rejects.toThrow("SOURCE_BLOCKED: The address is private.")
    await expect(Array.fromAsync(client().tracks({ filter: { status: ["READY"], yearFrom: 2 ** 31 } }))).rejects.toThrow("32-bit")
  })
})
