/** Nodes of Playhead on one database and one data directory, jobs that are submitted to them, and what became of these. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { clientOf } from "../support/app.ts"
import { jobFigures, type Submission } from "./jobFigures.ts"
import { type Ledger, startLedger } from "./ledger.ts"
import { makeNodeProcess, type NodeProcess } from "./nodeProcess.ts"
import { type Figure, randomFrom } from "./Scenario.ts"
import { makeWatcher, type Watched } from "./watcher.ts"

export interface JobOptions {
  /** The job's name and its idempotency key. */
  readonly name: string
  readonly stageMs: number
  readonly priority?: "LOW" | "NORMAL" | "HIGH"
}

export interface Cluster {
  readonly nodes: ReadonlyArray<NodeProcess>
  readonly ledger: Ledger
  readonly dataDir: string
  /** Submits, to each node in its turn until one acknowledges, and has the job watched. */
  readonly submit: (job: JobOptions) => Promise<Submission>
  /** Submits so many evenly over a time, each without waiting for the one before, and resolves when all are acknowledged. */
  readonly submitOver: (count: number, overMs: number, stageMs: () => number) => Promise<void>
  readonly submissions: ReadonlyArray<Submission>
  readonly watched: ReadonlyMap<string, Watched>
  /** Why streams broke off before their ends, each time one did. */
  readonly interruptions: ReadonlyArray<string>
  /** Asks the first living node that serves the API. */
  readonly query: <Data>(document: string, variables?: object) => Promise<Data>
  /** Whether all that were acknowledged have ended within so long, as their watchers know. */
  readonly allEnded: (withinMs: number) => Promise<boolean>
  /** What holds for every scenario. */
  readonly figures: () => Promise<ReadonlyArray<Figure>>
  /** What holds where no node ended: no client was told of the mishap. */
  readonly seenByClients: () => ReadonlyArray<string>
  readonly close: () => Promise<void>
}

export interface ClusterOptions {
  readonly seed: number
  readonly databaseUrl: string | undefined
  /** Settings of each node beside the common ones. */
  readonly nodes: ReadonlyArray<NodeJS.ProcessEnv>
  /** Gives each node a host name of its own. */
  readonly separateHosts?: boolean
  /** An existing directory, which is left alone; a new one when left out. */
  readonly dataDir?: string
}

const submitTries = 300

/** How the error of a submission begins that reached nobody. */
export const noAnswer = "no answer"

export const startCluster = async ({ databaseUrl, dataDir: givenDir, nodes: environments, seed, separateHosts = false }: ClusterOptions): Promise<Cluster> => {
  const dataDir = givenDir ?? (await mkdtemp(join(tmpdir(), "playhead-chaos-")))
  const ledger = await startLedger(randomFrom(seed + 1))
  const common = { PLAYHEAD_DATA_DIR: dataDir, DATABASE_URL: databaseUrl, LEDGER_URL: ledger.url, LOG_LEVEL: process.env["LOG_LEVEL"] ?? "info", JOB_CONCURRENCY: "8" }
  const nodes: Array<NodeProcess> = []
  for (const [index, environment] of environments.entries()) {
    nodes.push(await makeNodeProcess({ ...common, ...environment }, separateHosts ? `chaos-${index}` : undefined))
  }
  const apis = nodes.filter(({ servesApi }) => servesApi)
  const watcher = makeWatcher(apis.map(({ port }) => port))
  const submissions: Array<Submission> = []
  let turn = 0

  const close = async () => {
    await watcher.close()
    await Promise.all(nodes.map((node) => node.end("SIGKILL")))
    await ledger.close()
    if (givenDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  await Promise.all(nodes.map((node) => node.start())).catch(async (error: unknown) => {
    await close()
    throw error
  })

  const submit = async ({ name, priority = "NORMAL", stageMs }: JobOptions): Promise<Submission> => {
    const submission: Submission = { name, tries: 0, id: undefined, errors: [] }
    submissions.push(submission)
    for (let tries = 1; tries <= submitTries; tries++) {
      submission.tries = tries
      const node = nodes[turn++ % nodes.length]
      const response = await fetch(`http://127.0.0.1:${node?.doorPort}/${name}?stageMs=${stageMs}&priority=${priority}`, { method: "POST", signal: AbortSignal.timeout(10_000) })
        .then(async (answer) => ({ ok: answer.ok, text: await answer.text() }), (error: unknown) => ({ ok: false, text: `${noAnswer}: ${String(error instanceof Error ? (error.cause ?? error) : error)}` }))
      if (response.ok) {
        submission.id = response.text
        watcher.follow(response.text)
        break
      }
      submission.errors.push(response.text)
      await pause(100)
    }
    return submission
  }

  const query = async <Data>(document: string, variables: object = {}): Promise<Data> => {
    for (const [index, { port }] of apis.entries()) {
      try {
        return await clientOf(`http://127.0.0.1:${port}`).query<Data>(document, variables)
      } catch (error) {
        if (index === apis.length - 1) throw error
      }
    }
    throw new Error("no node serves the API")
  }

  return {
    nodes,
    ledger,
    dataDir,
    submit,
    submitOver: async (count, overMs, stageMs) => {
      const sent: Array<Promise<Submission>> = []
      for (let job = 0; job < count; job++) {
        sent.push(submit({ name: `job-${submissions.length}`, stageMs: stageMs() }))
        await pause(overMs / count)
      }
      await Promise.all(sent)
    },
    submissions,
    watched: watcher.watched,
    interruptions: watcher.interruptions,
    query,
    allEnded: async (withinMs) => {
      const until = performance.now() + withinMs
      while (performance.now() < until) {
        if ([...watcher.watched.values()].every(({ ended }) => ended)) return true
        await pause(100)
      }
      return false
    },
    figures: async () => jobFigures({ submissions, watched: watcher.watched, replayed: await watcher.replay(watcher.watched.keys()), ledger, query }),
    seenByClients: () => [
      ...submissions.flatMap(({ errors, name, tries }) => (tries > 1 ? [`${name} took ${tries} tries: ${errors[0]}`] : [])),
      ...watcher.interruptions.map((why) => `a stream: ${why}`)
    ],
    close
  }
}
