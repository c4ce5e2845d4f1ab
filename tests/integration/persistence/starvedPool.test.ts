/** One connection, which somebody keeps for longer than others wait for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp, submitImport, watch } from "../../support/app.ts"
import { songA } from "../../support/audio.ts"
import { file, startSourceServer } from "../../support/sourceServer.ts"

/** The pool gives up after ten. */
const keptForSeconds = 11

describe("a pool without a free connection", () => {
  let app: App
  let source: Awaited<ReturnType<typeof startSourceServer>>
  let asked = 0
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  beforeAll(async () => {
    source = await startSourceServer({
      "/song.ogg": (request, response) => {
        asked++
        void released.then(() => file(songA, "audio/ogg")(request, response))
      }
    })
    app = await startApp("postgres", { DB_POOL_SIZE: "1", PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, LOG_LEVEL: "none" })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it("is an outage: clients are told so by code, jobs wait and succeed, and nobody finds a bug", async () => {
    const { job } = await submitImport(app, { source: { url: source.url("/song.ogg") } })
    await expect.poll(() => asked, { timeout: 30_000 }).toBe(1)

    const kept = app.sql(`select pg_sleep(${keptForSeconds})`)
    release()
    const answer = await fetch(`${app.url}/graphql`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: "{ tracks(first: 1) { edges { node { title } } } }" })
    })
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "INTERNAL", incidentId: expect.any(String) } }] })
    await kept

    const events = await watch(app, job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.filter(({ __typename }) => __typename === "JobStartedEvent")).toHaveLength(2)
    expect(events.filter(({ failure }) => failure !== undefined)).toEqual([])
    const { errorReport } = await app.query<{ errorReport: object }>("{ errorReport { handled unhandled groups { code } } }")
    expect(errorReport).toEqual({ handled: 1, unhandled: 0, groups: [{ code: "INTERNAL" }] })
  }, 120_000)
})
