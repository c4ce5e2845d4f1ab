/** The whole of Playhead on a free port, as `npm start` composes it, with a data directory of its own. */
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Exit, Layer, type Redacted, Scope } from "effect"
import { createClient } from "graphql-ws"
import { WebSocket } from "ws"
import { appLayer } from "../../src/App.ts"
import { loadConfig } from "../../src/Config.ts"
import { Server } from "../../src/http/Server.ts"
import { Database } from "../../src/persistence/Database.ts"
import { layer as logging } from "../../src/logging.ts"
import { type EngineName, freshPostgres } from "./database.ts"

export interface App {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly query: <Data>(document: string, variables?: object) => Promise<Data>
  /** Every result of a subscription, until it completes. */
  readonly subscribe: <Data>(document: string, variables?: object) => AsyncIterable<Data>
  /** Runs something beside the app, in the app's own context. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Promise<A>
  readonly sql: <Row extends object>(statement: string) => Promise<ReadonlyArray<Row>>
  /** Files in the blob store and in the places of work, without the lock of the living process. */
  readonly files: () => Promise<{ readonly blobs: number; readonly work: number }>
  readonly stop: () => Promise<void>
}

/** Answers of a server at an address, for processes as well as for `startApp`. */
export const clientOf = (url: string) => ({
  query: async <Data>(document: string, variables: object = {}): Promise<Data> => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: document, variables })
    })
    const answer = (await response.json()) as { data: Data; errors?: ReadonlyArray<{ message: string }> }
    if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors))
    return answer.data
  },
  subscribe: async function* <Data>(document: string, variables: object = {}): AsyncGenerator<Data> {
    const client = createClient({ url: `${url.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
    try {
      for await (const result of client.iterate<{ [key: string]: Data }>({ query: document, variables: { ...variables } })) {
        if (result.errors !== undefined) throw new Error(JSON.stringify(result.errors))
        const [value] = Object.values(result.data ?? {})
        if (value !== undefined) yield value
      }
    } finally {
      await client.dispose()
    }
  }
})

const countFiles = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile() && !/\.lock(-journal)?$/.test(entry.name)).length
}

/** `sharedDatabase` is that of several apps, which are the nodes of one installation then. */
export const startApp = async (engine: EngineName, environment: Readonly<Record<string, string>> = {}, sharedDatabase?: Redacted.Redacted<string>): Promise<App> => {
  const dataDir = await mkdtemp(join(tmpdir(), "playhead-test-"))
  const scope = Scope.makeUnsafe()
  const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.provideService(effect, Scope.Scope, scope))
  const databaseUrl = sharedDatabase ?? (engine === "postgres" ? await run(freshPostgres()) : undefined)
  const config = await Effect.runPromise(loadConfig({
    environment: { PORT: "0", PLAYHEAD_DATA_DIR: dataDir, LOG_LEVEL: "error", LOG_FORMAT: "json", ...environment },
    dotEnv: undefined,
    workingDirectory: process.cwd(),
    isTerminal: false,
    cores: 2
  } as Parameters<typeof loadConfig>[0]))
  const context = await run(Layer.build(appLayer({ ...config, databaseUrl }).pipe(Layer.provide(logging({ format: config.logFormat, level: config.logLevel })))))
  const { port, url } = Context.get(context, Server)
  const database = Context.get(context, Database)
  let statements = 0
  return {
    url,
    port,
    dataDir,
    ...clientOf(url),
    run: (effect) => run(Effect.provide(effect, context)),
    sql: (statement) => Effect.runPromise(database.query(`test.${statements++}`, statement)),
    files: async () => ({ blobs: await countFiles(join(dataDir, "blobs")), work: await countFiles(join(dataDir, "work")) }),
    stop: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

const importDocument = `mutation($input: TrackImportInput!) {
  trackImport(input: $input) {
    __typename
    ... on TrackImportSuccess { replayed track { id title status } job { id } }
    ... on Error { code message retryable }
    ... on InvalidInputError { issues { path message } }
    ... on IdempotencyConflictError { job { id } }
    ... on NotConfiguredError { settings }
    ... on SourceBlockedError { host }
  }
}`

export interface ImportAnswer {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
  readonly replayed?: boolean
  readonly issues?: ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }>
  readonly settings?: ReadonlyArray<string>
  readonly track?: { readonly id: string; readonly title: string; readonly status: string }
  readonly job?: { readonly id: string }
}

export const submitImport = async (app: Pick<App, "query">, input: object): Promise<ImportAnswer> =>
  (await app.query<{ trackImport: ImportAnswer }>(importDocument, { input })).trackImport

const uploadDocument = `mutation($input: TrackUploadInput!) {
  trackUpload(input: $input) {
    __typename
    ... on TrackImportSuccess { replayed track { id title status } job { id } }
    ... on Error { code message retryable }
  }
}`

export const submitUpload = async (app: Pick<App, "url">, content: Uint8Array, name: string, input: object = {}): Promise<ImportAnswer> => {
  const form = new FormData()
  form.set("operations", JSON.stringify({ query: uploadDocument, variables: { input: { ...input, file: null } } }))
  form.set("map", JSON.stringify({ 0: ["variables.input.file"] }))
  form.set("0", new Blob([Uint8Array.from(content)]), name)
  const response = await fetch(`${app.url}/graphql`, { method: "POST", body: form })
  const answer = (await response.json()) as { data?: { trackUpload: ImportAnswer }; errors?: unknown }
  if (answer.data === undefined || answer.errors !== undefined) throw new Error(`${response.status} ${JSON.stringify(answer)}`)
  return answer.data.trackUpload
}

export interface Event {
  readonly __typename: string
  readonly sequence: number
  readonly stage?: { readonly name: string; readonly attempt: number }
  readonly failure?: { readonly __typename: string; readonly code: string; readonly message: string; readonly similarity?: number; readonly track?: { readonly id: string } }
}

export const eventFields = `__typename sequence
  ... on StageStartedEvent { stage { name attempt } } ... on StageSucceededEvent { stage { name attempt } } ... on StageRetryingEvent { stage { name attempt } }
  ... on JobFailedEvent { failure { __typename code message ... on DuplicateTrackError { similarity track { id } } } }`

/** The whole log of a job, watched to its end. */
export const watch = (app: Pick<App, "subscribe">, jobId: string, afterSequence = 0): Promise<ReadonlyArray<Event>> =>
  Array.fromAsync(app.subscribe<Event>(`subscription($jobId: ID!, $after: Int) { jobEvents(jobId: $jobId, afterSequence: $after) { ${eventFields} } }`, { jobId, after: afterSequence }))

/** Imports and waits; the last event says how it ended. */
export const importToEnd = async (app: App, input: object): Promise<{ readonly answer: ImportAnswer; readonly events: ReadonlyArray<Event>; readonly last: Event | undefined }> => {
  const answer = await submitImport(app, input)
  const events = answer.job === undefined ? [] : await watch(app, answer.job.id)
  return { answer, events, last: events.at(-1) }
}
