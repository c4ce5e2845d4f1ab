/** What docs/webhooks.md promises to receivers, each clause on both databases over real sockets. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Redacted, Schedule, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { UnsupportedMediaError } from "../../../src/domain/errors.ts"
import type { WebhookTopic } from "../../../src/domain/Webhook.ts"
import { globalId, parseGlobalId } from "../../../src/graphql/ids.ts"
import { claimDue } from "../../../src/operations/webhooks/claims.ts"
import { deliveringLayer } from "../../../src/operations/webhooks/delivering.ts"
import { enqueueWebhook } from "../../../src/operations/webhooks/enqueue.ts"
import { webhookOfIncident } from "../../../src/operations/webhooks/incidentChanged.ts"
import { webhookOfEnd } from "../../../src/operations/webhooks/jobEnded.ts"
import { Webhooks } from "../../../src/operations/webhooks/Webhooks.ts"
import { OutboundHttp, type OutboundSettings } from "../../../src/providers/outbound/OutboundHttp.ts"
import { engines, freshPostgres, testDatabase } from "../../support/database.ts"
import { scriptedKind, startEngine, type TestEngine } from "../../support/jobEngine.ts"
import { useEngine } from "../../support/useEngine.ts"
import { answerStatus, breakOff, neverAnswer, speakNonsense, verified, type WebhookReceiver, webhookReceiver } from "../../support/webhookReceiver.ts"

const refused = new UnsupportedMediaError({ message: "That is no audio.", detected: "text/plain", supported: ["audio/flac"] })
const loopback: OutboundSettings = { allowedSources: [{ host: "127.0.0.1", port: undefined }, { host: "localhost", port: undefined }] }

interface DeliveryRow {
  readonly id: string
  readonly body: string
  readonly attempts: number
  readonly http_status: number | null
  readonly delivered: boolean
  readonly due_in_ms: number | null
}

/** Webhooks on top of an engine: a node that sends. It stops with the scope, or before. */
const sending = Effect.fnUntraced(function* (engine: TestEngine, outbound: OutboundSettings = loopback, timeoutMs = 5_000, logging: Layer.Layer<never> = Logger.layer([])) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  yield* Layer.buildWithScope(
    deliveringLayer({ timeoutMs }).pipe(Layer.provide(logging), Layer.provide(OutboundHttp.layer(outbound)), Layer.provide(Layer.succeedContext(engine.context))),
    scope
  )
  return { stop: Scope.close(scope, Exit.void) }
})

/** A node of a test, with the words in which the tests speak. */
const over = (engine: TestEngine) => {
  const webhooks = Layer.build(
    Webhooks.layer.pipe(Layer.provide(OutboundHttp.layer(loopback)), Layer.provide(SecureRandom.layerWebCrypto), Layer.provide(Layer.succeedContext(engine.context)))
  )
  const use = <A, E>(act: (service: Webhooks["Service"]) => Effect.Effect<A, E>) =>
    Effect.scoped(Effect.flatMap(webhooks, (context) => Effect.flatMap(Webhooks, act).pipe(Effect.provideContext(context))))
  const deliveries = (endpointId: string) =>
    engine.sql<DeliveryRow>(
      `select id, body, attempts, http_status, delivered_at is not null as delivered,
         (extract(epoch from next_attempt_at - clock_timestamp()) * 1000)::float8 as due_in_ms
       from webhook_delivery where endpoint_id = $1 order by created_at, id`,
      [endpointId]
    )
  return {
    use,
    deliveries,
    endpoint: (receiver: Pick<WebhookReceiver, "url">, topics: ReadonlyArray<WebhookTopic> = ["INCIDENT_OPENED"]) =>
      Effect.acquireRelease(
        Effect.map(use((service) => service.create({ url: receiver.url, topics })), ({ endpointId, secret }) => ({ endpointId, secret: Redacted.value(secret) })),
        // Or the next test's messages would go to it, too.
        ({ endpointId }) => Effect.ignore(use((service) => service.remove(endpointId)))
      ),
    tell: (data: object = {}) =>
      engine.database.transaction((tx) => enqueueWebhook(tx, "INCIDENT_OPENED", { occurredAt: new Date("2026-01-01T00:00:00Z"), data: { ...data } })),
    /** As if the time had come. */
    hurry: (endpointId: string) =>
      engine.sql("with due as (update webhook_delivery set next_attempt_at = now() where endpoint_id = $1 and next_attempt_at is not null) select pg_notify('playhead_webhook', '')", [endpointId]),
    untilDelivery: (endpointId: string, holds: (delivery: DeliveryRow) => boolean) =>
      Effect.map(engine.until(deliveries(endpointId), (rows) => rows.length > 0 && rows.every(holds)), (rows) => rows[0] as DeliveryRow)
  }
}

const untilReceived = (receiver: WebhookReceiver, count: number) =>
  Effect.sync(() => receiver.received.length).pipe(
    Effect.filterOrFail((now) => now >= count, (now) => new Error(`${now} of ${count} messages have come`)),
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "20 seconds" }))),
    Effect.orDie
  )

/** The attempt is over and has been recorded, unlike while its lease lasts. */
const settledWith = (status: number | null, attempts: number) => (row: DeliveryRow) =>
  row.http_status === status && row.attempts === attempts && (row.due_in_ms === null || row.due_in_ms < 5_600 || row.due_in_ms > 16_000)

describe.each(engines)("webhooks on %s", (engineName) => {
  const kind = scriptedKind((name, stage) => {
    if (name === "refused" && stage === "FETCH_RESULT") return () => Effect.fail(refused)
    if (name === "bug" && stage === "REQUEST") return () => Effect.die(new Error("a secret of the inside"))
    if (name === "endless" && stage === "REQUEST") return () => Effect.never
    return undefined
  })
  const engine = useEngine({ database: testDatabase(engineName), kinds: [kind.definition], onJobEnded: [webhookOfEnd] })

  it.live("1.1 tell of the end of each job, and 1.2 of its failure as the API shows it, signed so that the reference library accepts it", () => Effect.gen(function* () {
    const { endpoint } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    const { secret } = yield* endpoint(receiver, ["JOB_SUCCEEDED", "JOB_FAILED", "JOB_CANCELLED"])
    const ids = new Map<string, string>()
    for (const name of ["plain", "refused", "bug", "endless"]) ids.set(name, yield* engine().submit(name))
    yield* engine().untilStatus(ids.get("endless") ?? "", "RUNNING")
    yield* engine().jobs.cancel(ids.get("endless") ?? "")
    yield* untilReceived(receiver, 4)
    const messages = new Map(receiver.received.map((message) => {
      const verifiedMessage = verified(secret, message)
      return [verifiedMessage.data["jobId"], verifiedMessage]
    }))
    const of = (name: string) => messages.get(globalId("Job", ids.get(name) ?? ""))
    expect(of("plain")).toEqual({
      type: "job.succeeded",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: {
        jobId: globalId("Job", ids.get("plain") ?? ""), kind: "GENERATE", status: "SUCCEEDED", trackId: null, degraded: false,
        createdAt: expect.any(String), finishedAt: expect.any(String), failure: null
      }
    })
    expect(of("refused")).toMatchObject({
      type: "job.failed",
      data: { status: "FAILED", failure: { type: "UnsupportedMediaError", code: "UNSUPPORTED_MEDIA", message: "That is no audio.", retryable: false, supported: ["audio/flac"] } }
    })
    expect(of("bug")).toMatchObject({ type: "job.failed", data: { failure: { type: "InternalError", code: "INTERNAL", incidentId: expect.any(String) } } })
    expect(of("endless")).toMatchObject({ type: "job.cancelled", data: { status: "CANCELLED", failure: null } })
    for (const message of receiver.received) {
      expect(message.method).toBe("POST")
      expect(message.headers["content-type"]).toBe("application/json")
      expect(parseGlobalId(message.id)?.type).toBe("WebhookDelivery")
      expect(message.body).not.toContain("a secret of the inside")
    }
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(4)
  }))

  it.live("1.3 tell of incidents when they open and when they are over", () => Effect.gen(function* () {
    const { endpoint } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    const { secret } = yield* endpoint(receiver, ["INCIDENT_OPENED", "INCIDENT_RESOLVED"])
    const incident = { id: crypto.randomUUID(), cause: "The circuit of itunes is open", provider: "itunes", openedAt: new Date("2026-01-01T00:00:00Z"), errorCount: 5 }
    yield* engine().database.transaction((tx) => webhookOfIncident(tx, { ...incident, resolvedAt: null }))
    yield* untilReceived(receiver, 1)
    yield* engine().database.transaction((tx) => webhookOfIncident(tx, { ...incident, resolvedAt: new Date("2026-01-01T00:01:00Z") }))
    yield* untilReceived(receiver, 2)
    const data = { incidentId: globalId("Incident", incident.id), cause: incident.cause, provider: "itunes", errorCount: 5, openedAt: "2026-01-01T00:00:00.000Z" }
    expect(receiver.received.map((message) => verified(secret, message))).toEqual([
      { type: "incident.opened", timestamp: "2026-01-01T00:00:00.000Z", data: { ...data, status: "OPEN", resolvedAt: null } },
      { type: "incident.resolved", timestamp: "2026-01-01T00:01:00.000Z", data: { ...data, status: "RESOLVED", resolvedAt: "2026-01-01T00:01:00.000Z" } }
    ])
  }))

  it.live("1.4 are there when what they tell of is committed, and not when it is rolled back", () => Effect.gen(function* () {
    const { deliveries, endpoint } = over(engine())
    const receiver = yield* webhookReceiver
    const { endpointId } = yield* endpoint(receiver)
    const other = yield* endpoint(receiver, ["JOB_CANCELLED"])
    yield* Effect.exit(engine().database.transaction((tx) =>
      Effect.andThen(enqueueWebhook(tx, "INCIDENT_OPENED", { occurredAt: new Date(), data: {} }), Effect.fail("rolled back"))))
    expect(yield* deliveries(endpointId)).toEqual([])
    yield* over(engine()).tell()
    expect(yield* deliveries(endpointId)).toHaveLength(1)
    expect(yield* deliveries(other.endpointId)).toEqual([])
  }))

  it.live("3.1 come again under the same id and with the same bytes until they are taken, and 2.2 with a signature of the attempt's time", () => Effect.gen(function* () {
    const { endpoint, hurry, tell, untilDelivery } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = answerStatus(500)
    const { endpointId, secret } = yield* endpoint(receiver)
    yield* tell({ n: 1 })
    const first = yield* untilDelivery(endpointId, settledWith(500, 1))
    expect(first.delivered).toBe(false)
    expect(first.due_in_ms).toBeGreaterThan(2_500)
    expect(first.due_in_ms).toBeLessThan(5_500)
    yield* Effect.sleep("1100 millis")
    receiver.answering = answerStatus(204)
    yield* hurry(endpointId)
    const second = yield* untilDelivery(endpointId, settledWith(204, 2))
    expect(second).toMatchObject({ id: first.id, delivered: true, due_in_ms: null })
    expect(receiver.received).toHaveLength(2)
    const [one, two] = receiver.received
    expect(two?.id).toBe(one?.id)
    expect(two?.body).toBe(one?.body)
    expect(Number(two?.timestamp)).toBeGreaterThan(Number(one?.timestamp))
    expect(two?.headers["webhook-signature"]).not.toBe(one?.headers["webhook-signature"])
    for (const message of receiver.received) expect(verified(secret, message).data).toEqual({ n: 1 })
  }))

  it.live.each([
    { does: "breaks the connection off", answering: breakOff },
    { does: "does not speak HTTP", answering: speakNonsense },
    { does: "never answers", answering: neverAnswer }
  ])("4.2 come again when the receiver $does", ({ answering }) => Effect.gen(function* () {
    const { endpoint, hurry, tell, untilDelivery } = over(engine())
    yield* sending(engine(), loopback, 400)
    const receiver = yield* webhookReceiver
    receiver.answering = answering
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    const failed = yield* untilDelivery(endpointId, (row) => row.attempts === 1 && row.due_in_ms !== null && row.due_in_ms < 5_600)
    expect(failed).toMatchObject({ http_status: null, delivered: false })
    receiver.answering = answerStatus(200)
    yield* hurry(endpointId)
    yield* untilDelivery(endpointId, ({ delivered }) => delivered)
  }))

  it.live("4.6 reach the others in time while one receiver never answers", () => Effect.gen(function* () {
    const { endpoint, tell } = over(engine())
    const [silent, well] = [yield* webhookReceiver, yield* webhookReceiver]
    silent.answering = neverAnswer
    yield* endpoint(silent)
    for (let n = 0; n < 60; n++) yield* tell({ n })
    yield* endpoint(well)
    yield* sending(engine(), loopback, 20_000)
    yield* untilReceived(silent, 4)
    const begun = performance.now()
    yield* tell({ n: "for the other" })
    yield* untilReceived(well, 1)
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(silent.received.length).toBe(4)
  }))

  it.live.each([429, 503])("4.4 wait as long as a receiver asks that answers %i with Retry-After", (status) => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = answerStatus(status, { "retry-after": "3600" })
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    const { due_in_ms } = yield* untilDelivery(endpointId, settledWith(status, 1))
    expect(due_in_ms).toBeGreaterThan(3_500_000)
    expect(due_in_ms).toBeLessThanOrEqual(3_600_500)
  }))

  it.live("4.4 are not kept longer by a Retry-After that comes with another status", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = answerStatus(404, { "retry-after": "3600" })
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    expect((yield* untilDelivery(endpointId, settledWith(404, 1))).due_in_ms).toBeLessThan(5_600)
  }))

  it.live("3.4 are not held back for one that failed, and 4.1 are taken whatever a status of 200 to 299 says behind it", () => Effect.gen(function* () {
    const { deliveries, endpoint, tell } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = (response, message) => {
      if (message.body.includes("first")) return answerStatus(500)(response, message)
      response.writeHead(299)
      response.write("an answer that does not end")
    }
    const { endpointId } = yield* endpoint(receiver)
    yield* tell({ n: "first" })
    yield* untilReceived(receiver, 1)
    yield* tell({ n: "second" })
    const rows = yield* engine().until(deliveries(endpointId), (all) => all.some(({ delivered }) => delivered))
    expect(rows.map(({ delivered, http_status }) => [delivered, http_status])).toEqual([[false, 500], [true, 299]])
  }))

  it.live("4.2 follow no redirect", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    yield* sending(engine())
    const [receiver, elsewhere] = [yield* webhookReceiver, yield* webhookReceiver]
    receiver.answering = answerStatus(307, { location: elsewhere.url })
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    expect(yield* untilDelivery(endpointId, settledWith(307, 1))).toMatchObject({ delivered: false })
    expect(elsewhere.received).toEqual([])
  }))

  it.live("4.5 stop at 410, until one is asked for again", () => Effect.gen(function* () {
    const { deliveries, endpoint, tell, untilDelivery, use } = over(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = answerStatus(410)
    const { endpointId } = yield* endpoint(receiver)
    for (let n = 0; n < 10; n++) yield* tell({ n })
    yield* sending(engine())
    yield* untilDelivery(endpointId, ({ due_in_ms }) => due_in_ms === null)
    expect(yield* engine().sql("select enabled from webhook_endpoint where id = $1", [endpointId])).toEqual([{ enabled: false }])
    // Those that were on their way already when the first was answered.
    yield* untilReceived(receiver, 4)
    const before = 4
    yield* tell({ n: "late" })
    expect(yield* deliveries(endpointId)).toHaveLength(10)
    receiver.answering = answerStatus(200)
    const [first] = yield* deliveries(endpointId)
    yield* use((service) => service.redeliver(first?.id ?? ""))
    yield* untilReceived(receiver, before + 1)
    expect(receiver.received).toHaveLength(before + 1)
    expect(receiver.received.at(-1)).toMatchObject({ id: globalId("WebhookDelivery", first?.id ?? ""), body: first?.body })
    yield* tell({ n: "again" })
    yield* untilReceived(receiver, before + 2)
  }))

  it.live("4.3 are tried for 24 hours, the last time at their end, and then given up", () => Effect.gen(function* () {
    const { endpoint, hurry, tell, untilDelivery } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = answerStatus(500)
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    yield* untilDelivery(endpointId, settledWith(500, 1))
    expect(yield* engine().sql("select extract(epoch from retry_until - created_at)::int / 60 as minutes from webhook_delivery where endpoint_id = $1", [endpointId])).toEqual([{ minutes: expect.toBeOneOf([1439, 1440]) }])
    yield* engine().sql("update webhook_delivery set tries = 20, retry_until = now() + interval '90 seconds' where endpoint_id = $1", [endpointId])
    yield* hurry(endpointId)
    const { due_in_ms } = yield* untilDelivery(endpointId, settledWith(500, 2))
    expect(due_in_ms).toBeGreaterThan(60_000)
    expect(due_in_ms).toBeLessThanOrEqual(90_000)
    yield* engine().sql("update webhook_delivery set retry_until = now() where endpoint_id = $1", [endpointId])
    yield* hurry(endpointId)
    expect(yield* untilDelivery(endpointId, ({ due_in_ms }) => due_in_ms === null)).toMatchObject({ attempts: 3, delivered: false, http_status: 500 })
  }))

  it.live("5.1 come again when asked for, also after they were taken, and are tried anew for as long", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery, use } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    const { endpointId, secret } = yield* endpoint(receiver)
    yield* tell({ n: 7 })
    const { id } = yield* untilDelivery(endpointId, ({ delivered }) => delivered)
    yield* engine().sql("update webhook_delivery set retry_until = now() - interval '3 days' where id = $1", [id])
    receiver.answering = answerStatus(500)
    yield* use((service) => service.redeliver(id))
    const again = yield* untilDelivery(endpointId, settledWith(500, 2))
    expect(again).toMatchObject({ id, delivered: false, due_in_ms: expect.any(Number) })
    expect(again.due_in_ms).toBeLessThan(5_600)
    const [one, two] = receiver.received
    expect([two?.id, two?.body]).toEqual([one?.id, one?.body])
    expect(two === undefined ? undefined : verified(secret, two).data).toEqual({ n: 7 })
    expect(yield* Effect.flip(use((service) => service.redeliver(crypto.randomUUID())))).toMatchObject({ _tag: "NotFoundError" })
  }))

  it.live("5.2 come again at once when asked for while an attempt is under way, whatever that comes to", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery, use } = over(engine())
    yield* sending(engine())
    const receiver = yield* webhookReceiver
    const waiting: Array<() => void> = []
    receiver.answering = (response, message) => { waiting.push(() => answerStatus(200)(response, message)) }
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    yield* untilReceived(receiver, 1)
    const [{ id } = { id: "" }] = yield* over(engine()).deliveries(endpointId)
    yield* use((service) => service.redeliver(id))
    yield* untilReceived(receiver, 2)
    waiting[0]?.()
    yield* Effect.sleep("200 millis")
    expect((yield* over(engine()).deliveries(endpointId))[0]).toMatchObject({ delivered: false })
    waiting[1]?.()
    expect(yield* untilDelivery(endpointId, ({ delivered }) => delivered)).toMatchObject({ attempts: 2 })
  }))

  it.live("4.7 of a node that died in the middle are sent once its lease has ended", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    const receiver = yield* webhookReceiver
    const { endpointId } = yield* endpoint(receiver)
    yield* tell()
    const claimed = yield* engine().database.transaction((tx) => claimDue(tx, { limit: 100, perEndpoint: 10, busy: new Map(), leaseMs: 1_500 }))
    expect(claimed.some((each) => each.endpointId === endpointId)).toBe(true)
    yield* sending(engine())
    yield* Effect.sleep("300 millis")
    expect(receiver.received).toEqual([])
    expect(yield* untilDelivery(endpointId, ({ delivered }) => delivered)).toMatchObject({ attempts: 2 })
    expect(receiver.received).toHaveLength(1)
  }))

  it.live("4.7 of a node that stops in the middle are due at once", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    const receiver = yield* webhookReceiver
    receiver.answering = neverAnswer
    const { endpointId } = yield* endpoint(receiver)
    const node = yield* sending(engine(), loopback, 20_000)
    yield* tell()
    yield* untilReceived(receiver, 1)
    yield* node.stop
    const [left] = yield* over(engine()).deliveries(endpointId)
    expect(left?.due_in_ms).toBeLessThanOrEqual(0)
    receiver.answering = answerStatus(200)
    yield* sending(engine())
    yield* untilDelivery(endpointId, ({ delivered }) => delivered)
  }))

  it.live("6.2 never reach a private address by a public name", () => Effect.gen(function* () {
    const { endpoint, tell, untilDelivery } = over(engine())
    const dialled: Array<string> = []
    const asked: Array<string> = []
    yield* sending(engine(), {
      allowedSources: [],
      resolve: (host) => {
        asked.push(host)
        return Promise.resolve(["93.184.216.34", "169.254.169.254"])
      },
      dial: ({ host }) => {
        dialled.push(host)
        throw new Error("nothing may be dialled")
      }
    })
    const { endpointId } = yield* endpoint({ url: "https://rebound.example/hooks" })
    yield* tell()
    expect(yield* untilDelivery(endpointId, (row) => row.attempts === 1 && row.due_in_ms !== null && row.due_in_ms < 5_600)).toMatchObject({ http_status: null, delivered: false })
    expect(asked).toContain("rebound.example")
    expect(dialled).toEqual([])
  }))

  it.live("5.4 of a deleted endpoint are gone, and its deletion fails no job that ends meanwhile", () => Effect.gen(function* () {
    const { deliveries, endpoint, use } = over(engine())
    const receiver = yield* webhookReceiver
    for (let round = 0; round < 8; round++) {
      const { endpointId } = yield* endpoint(receiver, ["JOB_SUCCEEDED"])
      const id = yield* engine().submit("plain")
      yield* Effect.sleep(round * 3)
      yield* use((service) => service.remove(endpointId))
      yield* engine().untilStatus(id, "SUCCEEDED")
      expect(yield* deliveries(endpointId)).toEqual([])
      expect(yield* Effect.flip(use((service) => service.remove(endpointId)))).toMatchObject({ _tag: "NotFoundError" })
    }
  }))

  it.live("6.3 leave neither secret nor address in the log", () => Effect.gen(function* () {
    const lines: Array<string> = []
    const logging = Logger.layer([Logger.map(Logger.formatJson, (line) => { lines.push(line) })])
    const { endpoint, tell, untilDelivery } = over(engine())
    yield* sending(engine(), loopback, 5_000, logging)
    const receiver = yield* webhookReceiver
    receiver.answering = breakOff
    const { endpointId, secret } = yield* endpoint({ url: `${receiver.url}/T00/B00/very-private-path` })
    yield* tell()
    yield* untilDelivery(endpointId, (row) => row.attempts === 1 && row.due_in_ms !== null && row.due_in_ms < 5_600)
    expect(lines.join("\n")).toContain("will be sent again")
    expect(lines.join("\n")).not.toContain(secret)
    expect(lines.join("\n")).not.toContain("very-private-path")
  }))

  it.live("5.3 that are over are forgotten after 30 days, and those that are not stay", () => Effect.gen(function* () {
    const { deliveries, endpoint, tell } = over(engine())
    const receiver = yield* webhookReceiver
    const { endpointId } = yield* endpoint(receiver)
    for (let n = 0; n < 3; n++) yield* tell({ n })
    const [over31, pending, over29] = yield* deliveries(endpointId)
    yield* engine().sql("update webhook_delivery set created_at = now() - interval '31 days', next_attempt_at = null where id = $1", [over31?.id])
    yield* engine().sql("update webhook_delivery set created_at = now() - interval '31 days', next_attempt_at = now() + interval '1 hour' where id = $1", [pending?.id])
    yield* engine().sql("update webhook_delivery set created_at = now() - interval '29 days', next_attempt_at = null where id = $1", [over29?.id])
    yield* sending(engine())
    const left = yield* engine().until(deliveries(endpointId), (rows) => rows.length === 2)
    expect(left.map(({ id }) => id).toSorted()).toEqual([pending?.id, over29?.id].toSorted())
  }))
})

describe("webhooks of several nodes", () => {
  it.live("3.3 are each sent by one of them", () => Effect.gen(function* () {
    const url = yield* freshPostgres()
    const node = () => startEngine({ database: testDatabase("postgres", { url }), kinds: [], worker: false })
    const [one, two] = [yield* node(), yield* node()]
    const receiver = yield* webhookReceiver
    const { endpoint, tell, untilDelivery } = over(one)
    const { endpointId } = yield* endpoint(receiver)
    yield* sending(one)
    yield* sending(two)
    const count = 200
    yield* Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) => tell({ n }), { concurrency: 4, discard: true })
    yield* untilDelivery(endpointId, ({ delivered }) => delivered)
    expect(receiver.received).toHaveLength(count)
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(count)
  }).pipe(Effect.scoped), 60_000)
})

describe("a database that is gone for a while", () => {
  it.live("4.7 costs no message", () => Effect.gen(function* () {
    const url = yield* freshPostgres()
    const engine = yield* startEngine({ database: testDatabase("postgres", { url }), kinds: [], worker: false })
    const receiver = yield* webhookReceiver
    const { endpoint, tell, untilDelivery } = over(engine)
    const { endpointId } = yield* endpoint(receiver)
    yield* sending(engine)
    for (let n = 0; n < 10; n++) {
      yield* tell({ n })
      yield* engine.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()")
    }
    yield* untilDelivery(endpointId, ({ delivered }) => delivered)
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(10)
  }).pipe(Effect.scoped), 60_000)
})
