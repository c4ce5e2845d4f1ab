/** A library to measure with: words as frequent as in a language (Zipf), artists with many tracks and few, everything by a seed. */
import type pg from "pg"

const common = "the a of you in and me my i to on love night day time heart world blue life live dance dream rain girl baby fire light sun moon river road home black white".split(" ")
const genres = "Rock Pop Jazz Blues Classical Electronic Hip-Hop Reggae Folk Metal Punk Soul Funk Country Ambient House Techno Disco Latin Gospel".split(" ")
const syllables = "ba be bi bo bra ca ce cho da de di do el en fa fi fo ga ge gra ha he ho in ja jo ka ke kra la le li lo ma me mi mo na ne no or pa pe po qua ra re ri ro sa se sha si so sta ta te ti to tra un va ve vi vo wa we xa ya ze zo".split(" ")

/** mulberry32 */
const makeRandom = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

export const makeWords = (seed = 7) => {
  const random = makeRandom(seed)
  const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)] as A
  const made = new Set(common)
  while (made.size < 30_000) made.add(Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(syllables)).join(""))
  const words = [...made]
  /** The nth word is as frequent as 1/n, nearly. */
  const word = () => words[Math.floor(words.length ** random()) - 1] ?? "love"
  const phrase = (least: number, most: number) => Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, () => capital(word())).join(" ")
  return { random, pick, word, phrase }
}

const uuid = (n: number, kind: number): string => {
  const time = (1_700_000_000_000 + n).toString(16).padStart(12, "0")
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-800${kind}-${n.toString(16).padStart(12, "0")}`
}

/** Tracks with an original and a cover, every fourth with stems, each with its import and every third with a second job. */
export const fillLibrary = async (client: pg.Client, count: number): Promise<void> => {
  const { random, phrase, pick } = makeWords()
  const artists = Array.from({ length: Math.ceil(count / 12) }, () => phrase(1, 3))
  const albums = Array.from({ length: Math.ceil(count / 8) }, () => phrase(1, 4))
  const skewed = <A>(list: ReadonlyArray<A>): A => list[Math.floor(random() ** 2 * list.length)] as A
  const batch = 5_000
  for (let first = 0; first < count; first += batch) {
    const numbers = Array.from({ length: Math.min(batch, count - first) }, (_, n) => first + n)
    const ids = numbers.map((n) => uuid(n, 1))
    const times = numbers.map((n) => new Date(1_700_000_000_000 + n * 1000))
    await client.query(
      `insert into track (id, status, source_kind, source_url, title, artist, album, genres, year, duration_ms, sample_rate_hz, channels, codec, container, size_bytes, content_hash, metadata_quality, created_at, updated_at)
       select id, 'READY', 'URL', 'https://example.org/' || id, title, artist, album, array[genre], year, duration, 44100, 2, 'mp3', 'mp3', 5000000, repeat(md5(id::text), 2), 0.8, at, at
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::timestamptz[]) as made (id, title, artist, album, genre, year, duration, at)`,
      [ids, numbers.map(() => phrase(1, 5)), numbers.map(() => skewed(artists)), numbers.map(() => skewed(albums)), numbers.map(() => pick(genres)),
        numbers.map(() => random() < 0.1 ? null : 1950 + Math.floor(random() * 76)), numbers.map(() => 60_000 + Math.floor(random() * 400_000)), times]
    )
    for (const [kind, isSecond] of [[2, false], [3, true]] as const) {
      const some = numbers.filter((n) => !isSecond || n % 3 === 0)
      await client.query(
        `insert into job (id, kind, status, priority, track_id, options, progress, attempt, last_sequence, created_at, started_at, finished_at, updated_at)
         select id, $3, 'SUCCEEDED', 1, track, '{}', 1, 1, 12, at, at, at, at from unnest($1::uuid[], $2::uuid[], $4::timestamptz[]) as made (id, track, at)`,
        [some.map((n) => uuid(n, kind)), some.map((n) => uuid(n, 1)), isSecond ? "SEPARATE" : "IMPORT", some.map((n) => new Date(1_700_000_000_000 + n * 1000 + kind))]
      )
    }
    for (const [kind, role, mediaType, each] of [[4, "ORIGINAL", "audio/mpeg", 1], [5, "COVER", "image/jpeg", 1], [6, "VOCALS", "audio/flac", 4], [7, "INSTRUMENTAL", "audio/flac", 4]] as const) {
      const some = numbers.filter((n) => n % each === 0)
      await client.query(
        `with made as (select id, track, repeat(md5(id::text), 2) as sha256 from unnest($1::uuid[], $2::uuid[]) as made (id, track)),
           stored as (insert into blob (sha256, size_bytes, created_at) select sha256, 5000000, now() from made)
         insert into artifact (id, track_id, role, sha256, media_type, size_bytes, duration_ms, integrated_lufs, true_peak_dbtp, range_lu, created_at)
         select id, track, $3, sha256, $4, 5000000, 200000, -14.2, -1.1, 6.3, now() from made`,
        [some.map((n) => uuid(n, kind)), some.map((n) => uuid(n, 1)), role, mediaType]
      )
    }
  }
  await client.query("vacuum analyze")
}
