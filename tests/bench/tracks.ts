/**
 * Finding on a large library, on PostgreSQL: how long a search takes, by what is typed, and a page of each order.
 *
 *     node tests/bench/tracks.ts [--tracks 100000] [--rounds 60]
 */
import { parseArgs } from "node:util"
import { Effect, ManagedRuntime, Redacted } from "effect"
import pg from "pg"
import { Database } from "../../src/persistence/Database.ts"
import { trackPage } from "../../src/persistence/reads/tracks.ts"
import { type TrackOrder, TrackOrderField } from "../../src/persistence/reads/trackOrder.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { percentile, surroundings } from "./support/figures.ts"
import { fillLibrary, makeWords } from "./tracks/library.ts"

const { values } = parseArgs({ options: { tracks: { type: "string", default: "100000" }, rounds: { type: "string", default: "60" } } })
const rounds = Number(values.rounds)

interface Song {
  readonly title: string
  readonly artist: string
}

console.log(surroundings())
const postgres = await startPostgres({ fsync: true })
const runtime = ManagedRuntime.make(Database.layer({ url: Redacted.make(postgres.url), dataDir: "memory://", poolSize: 4, statementTimeoutMs: 60_000, migrate: true }))
await runtime.runPromise(Effect.asVoid(Database))
const client = new pg.Client(postgres.url)
await client.connect()
await fillLibrary(client, Number(values.tracks))
const { rows: songs } = await client.query<Song>("select title, artist from track order by md5(id::text) limit 500")
await client.end()

const { pick, random } = makeWords(3)
const song = () => pick(songs)
const wordOf = (title: string, least = 1) => pick(title.split(" ").filter((word) => word.length >= least)) ?? "Midnight"
const mistyped = (word: string) => {
  const place = 1 + Math.floor(random() * (word.length - 2))
  return random() < 0.5 ? word.slice(0, place) + word.slice(place + 1) : word.slice(0, place) + word.slice(place + 1, place + 2) + word.slice(place, place + 1) + word.slice(place + 2)
}

/** What people type, and how often of a hundred times. */
const searches: ReadonlyArray<readonly [string, number, () => string]> = [
  ["an artist", 30, () => song().artist],
  ["a title", 25, () => song().title],
  ["artist and title", 15, () => { const { artist, title } = song(); return `${artist} ${title}` }],
  ["a word of a title", 10, () => wordOf(song().title, 4)],
  ["three letters", 10, () => wordOf(song().title, 4).slice(0, 3)],
  ["a typo", 10, () => mistyped(wordOf(song().title, 5))],
  ["the commonest word", 0, () => "the"]
]

const timed = async (search: string | null, order: TrackOrder, size: number) => {
  const begun = performance.now()
  const { rows } = await runtime.runPromise(trackPage({ criteria: {}, search, order }, { size, backward: false }, undefined))
  return { ms: performance.now() - begun, found: rows.length }
}
const best: TrackOrder = { field: "RELEVANCE", descending: true }
for (let warm = 0; warm < 20; warm++) await timed(song().title, best, 20)

const all: Array<number> = []
const line = (name: string, times: ReadonlyArray<number>, more = "") =>
  console.log(`${name.padEnd(22)} p50 ${percentile(times, 50).toFixed(1).padStart(6)} ms, p95 ${percentile(times, 95).toFixed(1).padStart(6)} ms${more}`)
for (const [name, share, type] of searches) {
  const results = []
  for (let round = 0; round < rounds; round++) results.push(await timed(type(), best, 20))
  const times = results.map(({ ms }) => ms)
  all.push(...times.flatMap((ms) => Array.from({ length: share }, () => ms)))
  line(name, times, `, ${(results.reduce((sum, { found }) => sum + found, 0) / rounds).toFixed(1)} of 20 found`)
}
line("all, as often as typed", all)
for (const field of TrackOrderField.literals) {
  const times = []
  for (let round = 0; round < rounds; round++) times.push((await timed(null, { field, descending: round % 2 === 0 }, 50)).ms)
  line(`50 by ${field}`, times)
}
await runtime.dispose()
await postgres.stop()
