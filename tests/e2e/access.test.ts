/** Two nodes that share a database and ask for keys, as they are started. */
import { readFile } from "node:fs/promises"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { adminKey, bearer, makeKey, revokeKey } from "../support/access.ts"
import { type App, startApp } from "../support/app.ts"
import { songA } from "../support/audio.ts"
import { freshPostgres } from "../support/database.ts"
import { eventually, overEvents, socketTo } from "../support/watching.ts"

const environment = { PLAYHEAD_ADMIN_KEY: adminKey }

describe("two nodes that ask for keys", () => {
  const scope = Scope.makeUnsafe()
  let one: App
  let two: App
  beforeAll(async () => {
    const database = await Effect.runPromise(Effect.provideService(freshPostgres(), Scope.Scope, scope))
    one = await startApp("postgres", environment, database)
    two = await startApp("postgres", { ...environment, PLAYHEAD_DATA_DIR: one.dataDir }, database)
  })
  afterAll(async () => {
    await two.stop()
    await one.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const on = (app: App) => ({
    graphql: async (query: string, variables: object = {}, headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(`${app.url}/graphql`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ query, variables }) })
      return { status: response.status, ...await response.json() as object } as Awaited<ReturnType<Parameters<typeof makeKey>[0]["graphql"]>>
    }
  })

  it("let in by a key that the other one made, and close what is open under it when the other one revokes it", async () => {
    const key = await makeKey(on(one), ["READ"])
    expect((await on(two).graphql("{ __typename }", {}, bearer(key.token))).status).toBe(200)
    const subscription = { query: "subscription { jobChanged { id } }", variables: {} }
    const socket = await socketTo(`${two.url}/graphql`, { authorization: `Bearer ${key.token}` })
    socket.subscribe(subscription)
    const stream = await overEvents(`${two.url}/graphql`, subscription, bearer(key.token))
    await revokeKey(on(one), key.id)
    expect([await socket.closed, await stream.ended]).toEqual([4403, "cut off"])
    await eventually(async () => (await on(two).graphql("{ __typename }", {}, bearer(key.token))).status).toBe(401)
  })

  it("play a file of the library from a link alone, whichever of them gave it, in ranges as an audio element asks for them", async () => {
    const key = await makeKey(on(one), ["WRITE"])
    const form = new FormData()
    form.set("operations", JSON.stringify({ query: "mutation ($file: File!) { trackUpload(input: { file: $file }) { ... on TrackImportSuccess { track { id } } } }", variables: { file: null } }))
    form.set("map", JSON.stringify({ 0: ["variables.file"] }))
    const content = await readFile(songA)
    form.set("0", new Blob([content]), "song.ogg")
    const sent = (await (await fetch(`${one.url}/graphql`, { method: "POST", headers: bearer(key.token), body: form })).json()) as { data: { trackUpload: { track: { id: string } } } }
    const { id } = sent.data.trackUpload.track
    const query = "query ($id: ID!) { track(id: $id) { status artifacts(role: ORIGINAL) { url } waveform { jsonUrl imageUrl } } }"
    const track = async () => (await on(one).graphql(query, { id }, bearer(key.token))).data.track
    await expect.poll(async () => (await track()).status, { timeout: 60_000 }).toBe("READY")
    const { artifacts, waveform } = await track()
    for (const app of [one, two]) {
      const at = (address: string) => address.replace(one.url, app.url)
      const part = await fetch(at(artifacts[0].url), { headers: { range: "bytes=0-99" } })
      expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, content.subarray(0, 100)])
      expect((await fetch(at(waveform.imageUrl))).headers.get("content-type")).toBe("image/png")
      expect((await fetch(at(waveform.jsonUrl))).status).toBe(200)
      expect((await fetch(at(waveform.jsonUrl).replace(/signature=../, "signature=xx"))).status).toBe(403)
    }
  })
})
