import { readFile } from "node:fs/promises"
import type { ServerResponse } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp, submitImport, watch } from "../support/app.ts"
import { songA } from "../support/audio.ts"
import { type SourceServer, startSourceServer } from "../support/sourceServer.ts"

describe("the queue is only a queue", () => {
  let app: App
  let source: SourceServer
  const waiting: Array<ServerResponse> = []
  const release = async () => {
    const content = await readFile(songA)
    for (const response of waiting.splice(0)) response.end(content)
  }

  beforeAll(async () => {
    const hold = (_request: unknown, response: ServerResponse) => {
      response.writeHead(200, { "content-type": "audio/ogg" })
      waiting.push(response)
    }
    source = await startSourceServer({ "/a.ogg": hold, "/b.ogg": hold })
    app = await startApp("postgres", { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  const attempts = async () => (await app.sql<{ attempt: number }>("select attempt from job order by id desc limit 1"))[0]?.attempt

  it("delivers a job again whose heartbeats came late, and the run that lives goes on undisturbed", async () => {
    const { job } = await submitImport(app, { source: { url: source.url("/a.ogg") }, allowDuplicate: true })
    await expect.poll(() => waiting.length).toBe(1)
    await app.sql("update pgboss.job set state = 'retry', heartbeat_on = null, start_after = now() where state = 'active'")
    await expect.poll(async () => (await app.sql("select 1 as x from pgboss.job where state = 'active' and retry_count = 1")).length, { timeout: 10_000 }).toBe(1)
    await release()
    const events = await watch(app, job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.filter((event) => event.__typename === "JobStartedEvent")).toHaveLength(1)
    expect(await attempts()).toBe(1)
  })

  it("may lose every entry: unfinished work is found and done", async () => {
    const { job } = await submitImport(app, { source: { url: source.url("/b.ogg") }, allowDuplicate: true })
    await expect.poll(() => waiting.length).toBe(1)
    await app.sql("delete from pgboss.job")
    await release()
    const events = await watch(app, job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1))
  })

  it("ignores an entry whose job does not exist", async () => {
    await app.sql(`insert into pgboss.job (name, data, singleton_key) values ('job', '{"jobId":"00000000-0000-7000-8000-000000000000"}', '00000000-0000-7000-8000-000000000000')`)
    await expect.poll(async () => (await app.sql("select 1 as x from pgboss.job where state in ('created', 'active')")).length, { timeout: 10_000 }).toBe(0)
  })
})
