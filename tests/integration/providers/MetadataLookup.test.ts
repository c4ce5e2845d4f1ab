import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Effect, Layer, ManagedRuntime } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { BudgetStore } from "../../../src/providers/guard/BudgetStore.ts"
import { Guard } from "../../../src/providers/guard/Guard.ts"
import { MetadataLookup } from "../../../src/providers/metadata/MetadataLookup.ts"
import { OutboundHttp } from "../../../src/providers/outbound/OutboundHttp.ts"
import { type Behaviour, bytes, misannounced, type SourceServer, startSourceServer, stallBeforeHeaders, stallInBody, status } from "../../support/sourceServer.ts"

const song = (values: object = {}) => ({
  wrapperType: "track", kind: "song", artistName: "Björk", trackName: "Jóga", collectionName: "Homogenic", primaryGenreName: "Electronic",
  releaseDate: "1997-09-22T12:00:00Z", trackNumber: 2, artworkUrl100: "https://example.org/a/100x100bb.jpg", ...values
})
const results = (...found: ReadonlyArray<unknown>): Behaviour => bytes(JSON.stringify({ resultCount: found.length, results: found }), { "content-type": "text/javascript; charset=utf-8" })

const recording = { artist: "BJORK", title: "Joga (Remastered)" }

describe("looking up what a file does not say of itself", () => {
  let server: SourceServer
  let answer: Behaviour = results()
  beforeAll(async () => {
    server = await startSourceServer(new Proxy<Record<string, Behaviour>>({}, { get: (): Behaviour => (request, response) => answer(request, response) }))
  })
  afterAll(() => server.close())

  const unlimited = Layer.succeed(BudgetStore, { reserve: () => Effect.die("no budget"), adjust: () => Effect.void, used: () => Effect.die("no budget") })
  const lookup = async <A>(use: (service: MetadataLookup["Service"]) => Effect.Effect<A>, openForMs = 60_000): Promise<A> => {
    const outbound = OutboundHttp.layer({ allowedSources: [{ host: "127.0.0.1", port: server.port }] })
    const guard = Guard.layer({ configured: new Set(["itunes"]), budgets: [], policies: { itunes: { openForMs, failuresToOpen: 2, firstPauseMs: 1 } } }).pipe(
      Layer.provide(Layer.merge(CircuitBreaker.layerStoreMemory(), unlimited))
    )
    const runtime = ManagedRuntime.make(MetadataLookup.layer({ baseUrl: server.url("/catalogue/"), timeoutMs: 500 }).pipe(Layer.provide(Layer.merge(outbound, guard))))
    const found = await runtime.runPromise(Effect.flatMap(MetadataLookup, use))
    await runtime.dispose()
    return found
  }

  it("asks by artist and title, and takes the song that has both", async () => {
    answer = results({ wrapperType: "collection" }, null, 7, song({ artistName: "Somebody" }), song({ trackName: "Jóga (Live)", artistName: "Björk & Others" }), song())
    expect(await lookup((service) => service.find(recording))).toEqual({
      album: "Homogenic", genre: "Electronic", year: 1997, trackNumber: 2, coverUrl: "https://example.org/a/600x600bb.jpg"
    })
    const asked = new URL(server.requests.at(-1)?.url ?? "", "http://a")
    expect(asked.pathname).toBe("/catalogue/search")
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({ term: "BJORK Joga (Remastered)", media: "music", entity: "song" })
  })

  it.each([
    ["nothing", results()],
    ["another artist's song", results(song({ artistName: "Björk Tribute" }))],
    ["another song of the artist", results(song({ trackName: "Hunter" }))]
  ])("takes nothing where there is %s", async (_, behaviour) => {
    answer = behaviour
    expect(await lookup((service) => service.find(recording))).toBeNull()
  })

  it("leaves out what makes no sense", async () => {
    answer = results(song({ releaseDate: "soon", trackNumber: 1.5, artworkUrl100: "no address", collectionName: null, primaryGenreName: undefined }))
    expect(await lookup((service) => service.find(recording))).toEqual({ album: null, genre: null, year: null, trackNumber: null, coverUrl: null })
  })

  const failures: ReadonlyArray<readonly [string, Behaviour]> = [
    ["too many requests", status(429, { "retry-after": "30" })],
    ["an error of its own", status(500)],
    ["a page in HTML", bytes("<!doctype html>", { "content-type": "text/html" })],
    ["JSON of another shape", bytes(`{"results":{}}`)],
    ["an answer without end", bytes(Buffer.alloc(2 * 1024 * 1024, " "))],
    ["less than it announced", misannounced(100, 20_000)],
    ["more than it announced", misannounced(20_000, 100)],
    ["silence", stallBeforeHeaders],
    ["silence in mid-answer", stallInBody(10, 1000)],
    ["a redirect to a private address", status(302, { location: "http://10.0.0.1/search" })],
    ["a broken connection", (request) => request.socket.destroy()]
  ]

  it.each(failures)("goes without after %s, and stops asking", async (_, behaviour) => {
    answer = behaviour
    const before = server.requests.length
    expect(await lookup((service) => Effect.all([service.find(recording), service.find(recording), service.find(recording), service.find(recording)]))).toEqual([null, null, null, null])
    // Two calls of at most two tries each.
    expect(server.requests.length).toBeLessThanOrEqual(before + 4)
  })

  it("tries once more what may pass", async () => {
    const answers = [status(503), results(song())]
    answer = (request, response) => answers.shift()?.(request, response)
    expect(await lookup((service) => service.find(recording))).toMatchObject({ album: "Homogenic" })
  })

  it("asks again when the while is over", async () => {
    answer = status(503)
    const found = await lookup((service) =>
      Effect.gen(function* () {
        const first = [yield* service.find(recording), yield* service.find(recording)]
        answer = results(song())
        const refused = yield* service.find(recording)
        yield* Effect.sleep("600 millis")
        return [...first, refused, yield* service.find(recording)]
      }), 500)
    expect(found).toEqual([null, null, null, expect.objectContaining({ album: "Homogenic" })])
  })

  it("fetches a cover, and goes on asking where there is none", async () => {
    const entry = { album: null, genre: null, year: null, trackNumber: null, coverUrl: server.url("/cover.jpg") }
    answer = bytes(Buffer.from("ffd8ff00", "hex"))
    expect(await lookup((service) => service.cover(entry))).toEqual(Buffer.from("ffd8ff00", "hex"))
    answer = status(404)
    expect(await lookup((service) => service.cover(entry))).toBeNull()
    expect(await lookup((service) => service.cover({ ...entry, coverUrl: "http://10.0.0.1/cover.jpg" }))).toBeNull()
  })

  it("asks nobody unless a catalogue is named", async () => {
    const before = server.requests.length
    const layer = MetadataLookup.layer({ baseUrl: undefined }).pipe(Layer.provide(OutboundHttp.layer({ allowedSources: [] })), Layer.provide(Layer.mock(Guard)({})))
    expect(await Effect.runPromise(Effect.provide(Effect.flatMap(MetadataLookup, (service) => service.find(recording)), layer))).toBeNull()
    expect(server.requests.length).toBe(before)
  })
})
