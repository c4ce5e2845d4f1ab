/** What must hold of all jobs in the end, whatever was done to the nodes: from the clients, the API and the outside world. */
import type { Ledger } from "./ledger.ts"
import { atLeast, type Figure, none } from "./Scenario.ts"
import type { SeenEvent, Watched } from "./watcher.ts"

/** What a client went through until its job was acknowledged. */
export interface Submission {
  readonly name: string
  tries: number
  /** Of the job; undefined as long as nobody has acknowledged it. */
  id: string | undefined
  /** Answers other than an acknowledgement; not the lack of any. */
  readonly errors: Array<string>
}

interface Outcome {
  readonly submissions: ReadonlyArray<Submission>
  readonly watched: ReadonlyMap<string, Watched>
  /** The same logs, read again from their starts. */
  readonly replayed: ReadonlyMap<string, Watched>
  readonly ledger: Ledger
  readonly query: <Data>(document: string, variables?: object) => Promise<Data>
}

const stages = ["REQUEST", "FETCH_RESULT", "FINALIZE"]

interface Page {
  readonly jobs: { readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }; readonly edges: ReadonlyArray<{ readonly node: { readonly id: string; readonly status: string } }> }
}

/** All jobs that there are, also those whose acknowledgement was lost. */
const allJobs = async (query: Outcome["query"]): Promise<ReadonlyMap<string, string>> => {
  const jobs = new Map<string, string>()
  let after: string | null = null
  do {
    const page: Page = await query<Page>("query($after: String) { jobs(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { node { id status } } } }", { after })
    for (const { node } of page.jobs.edges) jobs.set(node.id, node.status)
    after = page.jobs.pageInfo.hasNextPage ? page.jobs.pageInfo.endCursor : null
  } while (after !== null)
  return jobs
}

/** A stage that began again after it had succeeded, or a start before the time that the job waited for. */
const illegal = (events: ReadonlyArray<SeenEvent>): ReadonlyArray<string> => {
  const succeeded = new Set<string>()
  const found: Array<string> = []
  let until = 0
  for (const { at, kind, sequence, stage, until: waits } of events) {
    if (kind === "StageSucceededEvent" && stage !== undefined) succeeded.add(stage)
    if (kind === "StageStartedEvent" && stage !== undefined && succeeded.has(stage)) found.push(`${stage} began again at ${sequence}`)
    if (kind === "JobStartedEvent" && at < until) found.push(`started ${until - at} ms early at ${sequence}`)
    if (kind === "JobWaitingEvent") until = waits ?? 0
  }
  return found
}

const sameLog = (live: ReadonlyArray<SeenEvent>, stored: ReadonlyArray<SeenEvent>) =>
  live.length === stored.length && live.every(({ kind, sequence }, index) => stored[index]?.kind === kind && stored[index].sequence === sequence)

export const jobFigures = async ({ ledger, query, replayed, submissions, watched }: Outcome): Promise<ReadonlyArray<Figure>> => {
  const acknowledged = submissions.filter(({ id }) => id !== undefined)
  const table = await allJobs(query)
  const live = [...watched.values()]
  const stored = [...replayed.values()]
  const effects = acknowledged.flatMap(({ name }) => stages.map((stage) => `${name}/${stage}`))
  return [
    atLeast(`of ${submissions.length} submissions acknowledged`, Math.round((1000 * acknowledged.length) / submissions.length) / 10, 95, " %"),
    { figure: "at the first try", value: `${Math.round((100 * submissions.filter(({ id, tries }) => tries === 1 && id !== undefined).length) / submissions.length)} %`, bar: "", ok: true },
    none("lost: acknowledged, and not in the table", acknowledged.filter(({ id }) => !table.has(id ?? "")).map(({ name }) => name)),
    none("doubled: more jobs than submissions", table.size > submissions.length ? [`${table.size} jobs`] : []),
    none("stuck: not ended, as the table has it", [...table].filter(([, status]) => !["SUCCEEDED", "FAILED", "CANCELLED"].includes(status)).map((job) => job.join(" "))),
    none("failed, although nothing was wrong with them", [...table].filter(([, status]) => status === "FAILED" || status === "CANCELLED").map((job) => job.join(" "))),
    none(`effects missing of ${effects.length}`, effects.filter((effect) => !ledger.keys.has(effect))),
    none("doubled effects", [...ledger.keys].filter(([, keys]) => keys.size > 1).map(([effect]) => effect)),
    none("live streams that did not end, or with a gap or a repeat", live.filter(({ ended, faults }) => !ended || faults.length > 0).map(({ faults, id }) => `${id}: ${faults[0] ?? "no end"}`)),
    none("replays that did not end, or with a gap or a second end", stored.filter(({ ended, faults }) => !ended || faults.length > 0).map(({ faults, id }) => `${id}: ${faults[0] ?? "no end"}`)),
    none("replays that tell another story than the live stream did", live.filter(({ events, id }) => !sameLog(events, replayed.get(id)?.events ?? [])).map(({ id }) => id)),
    none("done again or done early", stored.flatMap(({ events, id }) => illegal(events).map((what) => `${id}: ${what}`))),
    { figure: "first requests that the ledger refused or cut off", value: String(ledger.moods()), bar: "", ok: true },
    { figure: "repeated requests that their key made harmless", value: String(ledger.replays()), bar: "", ok: true }
  ]
}
