/** Webhooks and reports to the error tracker of the whole of Playhead, as `npm start` composes it. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clientOf, startApp, submitImport } from "../support/app.ts"
import { type TestTracker, testTracker } from "../support/errorTracker.ts"
import { answerStatus, neverAnswer, verified, type WebhookReceiver, webhookReceiver } from "../support/webhookReceiver.ts"

const scope = Scope.makeUnsafe()
let receiver: WebhookReceiver
let tracker: TestTracker
let environment: Readonly<Record<string, string>>

beforeAll(async () => {
  const inScope = <A>(effect: Effect.Effect<A, never, Scope.Scope>) => Effect.runPromise(Effect.provideService(effect, Scope.Scope, scope))
  receiver = await inScope(webhookReceiver)
  tracker = await inScope(testTracker)
  environment = { PLAYHEAD_ALLOW_PRIVATE_SOURCES: `127.0.0.1:${receiver.port}`, SENTRY_DSN: tracker.dsn, SENTRY_ENVIRONMENT: "e2e" }
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const patient = { timeout: 60_000, interval: 50 }

interface Created { readonly secret: string; readonly endpoint: { readonly id: string } }
const create = async ({ query }: Pick<ReturnType<typeof clientOf>, "query">, topics: string): Promise<Created> =>
  (await query<{ webhookCreate: Created }>(
    `mutation ($url: URL!) { webhookCreate(url: $url, topics: ${topics}) { ... on WebhookCreateSuccess { secret endpoint { id } } ... on Error { message } } }`,
    { url: receiver.url }
  )).webhookCreate

/** An import that fails at once: the receiver of webhooks is no source of audio. */
const failingImport = async (client: Pick<ReturnType<typeof clientOf>, "query">) => {
  const { job } = await submitImport(client, { source: { url: `http://127.0.0.1:${receiver.port}/no-audio` } })
  if (job === undefined) throw new Error("nothing was submitted")
  return job.id
}
const messages = () => receiver.received.filter(({ path }) => path === "/hooks")

describe("a server", () => {
  it("1.2 tells a receiver of a job's failure, in words that lead back to the API, and the error tracker of a bug", async () => {
    const app = await startApp("pglite", environment)
    try {
      const { endpoint, secret } = await create(app, "[JOB_FAILED]")
      const jobId = await failingImport(app)
      await expect.poll(() => messages().length, patient).toBe(1)
      const [message] = messages()
      if (message === undefined) throw new Error("no message")
      const { data, type } = verified(secret, message)
      expect(type).toBe("job.failed")
      expect(data["jobId"]).toBe(jobId)
      const { job } = await app.query<{ job: { failure: { message: string; code: string }; track: { id: string } } }>("query ($id: ID!) { job(id: $id) { failure { message code } track { id } } }", { id: data["jobId"] })
      expect(data).toMatchObject({ failure: { code: job.failure.code, message: job.failure.message }, trackId: job.track.id })
      await expect.poll(async () => (await app.query<{ node: object }>("query ($id: ID!) { node(id: $id) { ... on WebhookEndpoint { deliveries { id delivered attempts } } } }", { id: endpoint.id })).node, patient)
        .toEqual({ deliveries: [{ id: message.id, delivered: true, attempts: 1 }] })

      await app.sql("alter table track rename to track_that_is_gone")
      const response = await fetch(`${app.url}/graphql`, { method: "POST", headers: { "content-type": "application/json", "x-request-id": "request-of-the-test" }, body: JSON.stringify({ query: "{ tracks { totalCount } }" }) })
      const { errors: [error] } = (await response.json()) as { errors: [{ extensions: { incidentId: string } }] }
      await expect.poll(() => tracker.events.length, patient).toBe(1)
      expect(tracker.events[0]).toMatchObject({ environment: "e2e", release: expect.stringMatching(/^playhead@\d/), tags: { incidentId: error.extensions.incidentId } })
      expect(tracker.events[0]?.exception.values.length).toBeGreaterThan(0)
    } finally {
      await app.stop()
    }
  })

  it("3.2 that is killed while a receiver hesitates sends the same message after its restart", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "playhead-webhooks-"))
    const start = async (): Promise<{ readonly url: string; readonly process: ChildProcess }> => {
      const child = spawn(process.execPath, ["src/main.ts"], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, PORT: "0", PLAYHEAD_DATA_DIR: dataDir, LOG_FORMAT: "json", ...environment }
      })
      for await (const line of createInterface(child.stdout)) {
        const url = /GraphiQL is at (http:\S+)\/graphql/.exec(line)?.[1]
        if (url !== undefined) {
          child.stdout.resume()
          return { url, process: child }
        }
      }
      throw new Error("the server ended before it was ready")
    }
    const end = async (child: ChildProcess, signal: NodeJS.Signals) => {
      const gone = once(child, "exit")
      child.kill(signal)
      await gone
    }
    const before = messages().length
    let running = await start()
    try {
      receiver.answering = (response, message) => (message.path === "/hooks" ? neverAnswer : answerStatus(200))(response, message)
      const { secret } = await create(clientOf(running.url), "[JOB_FAILED]")
      await failingImport(clientOf(running.url))
      await expect.poll(() => messages().length, patient).toBe(before + 1)
      await end(running.process, "SIGKILL")
      receiver.answering = answerStatus(200)
      running = await start()
      await expect.poll(() => messages().length, patient).toBe(before + 2)
      const [first, second] = messages().slice(before)
      expect([second?.id, second?.body]).toEqual([first?.id, first?.body])
      expect(second === undefined ? undefined : verified(secret, second).type).toBe("job.failed")
    } finally {
      await end(running.process, "SIGTERM")
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
