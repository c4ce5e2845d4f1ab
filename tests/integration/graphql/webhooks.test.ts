import { describe, expect, it } from "vitest"
import { artifactId, useTestServer } from "../../support/testServer.ts"

const server = useTestServer("postgres")

const create = async (url: string, topics: ReadonlyArray<string> = ["JOB_FAILED"]) => {
  const answer = await server.graphql(
    `mutation ($url: URL!, $topics: [WebhookTopic!]!) { webhookCreate(url: $url, topics: $topics) {
      __typename
      ... on WebhookCreateSuccess { secret endpoint { id url topics enabled createdAt deliveries { id } } }
      ... on InvalidInputError { issues { path message } }
      ... on SourceBlockedError { host }
      ... on Error { code retryable }
    } }`,
    { url, topics }
  )
  expect(answer.errors).toBeUndefined()
  return answer.data.webhookCreate
}

const bare = (id: string): string => Buffer.from(id, "base64url").toString().split(":")[1] ?? ""

const insertDeliveries = (endpointId: string, count: number) =>
  server.sql<{ id: string }>(
    `insert into webhook_delivery (id, endpoint_id, topic, body, attempts, http_status, next_attempt_at, retry_until, created_at)
     select gen_random_uuid(), $1, 'JOB_FAILED', '{}', 1, 500, now() + interval '1 hour', now() + interval '1 day', now() + n * interval '1 second'
     from generate_series(1, $2::int) as n returning id`,
    [bare(endpointId), count]
  )

describe("webhooks over the API", () => {
  it("2.3 are created with a secret that is shown once", async () => {
    const { endpoint, secret } = await create("https://receiver.example/hooks?team=1", ["JOB_FAILED", "INCIDENT_OPENED", "JOB_FAILED"])
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(endpoint).toMatchObject({ url: "https://receiver.example/hooks?team=1", topics: ["JOB_FAILED", "INCIDENT_OPENED"], enabled: true, deliveries: [] })
    const again = await server.graphql("{ webhookEndpoints { id url topics enabled createdAt deliveries { id } } }")
    expect(again.data.webhookEndpoints).toContainEqual(endpoint)
    expect(JSON.stringify(again)).not.toContain(secret)
    expect(server.logs.join("\n")).not.toContain(secret)
  })

  it.each([
    ["http://127.0.0.1/hooks", "127.0.0.1"],
    ["http://localhost:3000/hooks", "localhost"],
    ["http://10.1.2.3/", "10.1.2.3"],
    ["http://192.168.0.1/", "192.168.0.1"],
    ["http://169.254.169.254/latest/meta-data", "169.254.169.254"],
    ["http://[::1]/", "::1"],
    ["http://[::ffff:10.0.0.1]/", "::ffff:a00:1"],
    ["http://2130706433/", "127.0.0.1"],
    ["https://user:password@receiver.example/", "receiver.example"]
  ])("6.1 refuse %s as blocked", async (url, host) => {
    expect(await create(url)).toEqual({ __typename: "SourceBlockedError", host, code: "SOURCE_BLOCKED", retryable: false })
  })

  it("6.1 name every fault at once", async () => {
    const { issues } = await create("ftp://receiver.example/", [])
    expect(issues.map(({ path }: { readonly path: ReadonlyArray<string> }) => path)).toEqual([["url"], ["topics"]])
  })

  it("are found again by their ids, and their messages by theirs", async () => {
    const { endpoint } = await create("https://receiver.example/")
    await insertDeliveries(endpoint.id, 3)
    const { data } = await server.graphql(
      `query ($id: ID!) { node(id: $id) { ... on WebhookEndpoint { url deliveries(first: 2) { id topic attempts delivered httpStatus nextAttemptAt createdAt } } } }`,
      { id: endpoint.id }
    )
    const { deliveries } = data.node
    expect(deliveries).toHaveLength(2)
    expect(deliveries[0]).toEqual({ id: expect.any(String), topic: "JOB_FAILED", attempts: 1, delivered: false, httpStatus: 500, nextAttemptAt: expect.any(String), createdAt: expect.any(String) })
    expect(Date.parse(deliveries[0].createdAt)).toBeGreaterThan(Date.parse(deliveries[1].createdAt))
    const found = await server.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", { ids: deliveries.map(({ id }: { id: string }) => id) })
    expect(found.data.nodes).toEqual(deliveries.map(({ id }: { id: string }) => ({ __typename: "WebhookDelivery", id })))
  })

  it("are listed with the messages of all in two reads", async () => {
    const endpoints = [await create("https://one.example/"), await create("https://two.example/")]
    for (const { endpoint } of endpoints) await insertDeliveries(endpoint.id, 2)
    server.queries.length = 0
    const { data } = await server.graphql("{ webhookEndpoints { id few: deliveries(first: 1) { id } all: deliveries { id } } }")
    expect(server.queries.toSorted()).toEqual(["webhookDeliveries.byEndpoint", "webhookEndpoints"])
    for (const { endpoint } of endpoints) {
      const listed = data.webhookEndpoints.find(({ id }: { id: string }) => id === endpoint.id)
      expect([listed.few.length, listed.all.length]).toEqual([1, 2])
    }
  })

  it("show at most a hundred messages at once", async () => {
    for (const first of [0, -1, 101]) {
      const { errors } = await server.graphql(`{ webhookEndpoints { deliveries(first: ${first}) { id } } }`)
      expect(errors?.[0].extensions.code).toBe("INVALID_INPUT")
    }
  })

  it("5.4 are deleted once, with all their messages", async () => {
    const { endpoint } = await create("https://receiver.example/")
    const [delivery] = await insertDeliveries(endpoint.id, 1)
    const remove = "mutation ($id: ID!) { webhookDelete(id: $id) { __typename ... on WebhookDeleteSuccess { id } ... on Error { code } } }"
    expect((await server.graphql(remove, { id: endpoint.id })).data.webhookDelete).toEqual({ __typename: "WebhookDeleteSuccess", id: endpoint.id })
    for (const id of [endpoint.id, artifactId(delivery?.id ?? ""), "nonsense"]) {
      expect((await server.graphql(remove, { id })).data.webhookDelete).toEqual({ __typename: "NotFoundError", code: "NOT_FOUND" })
    }
    expect(await server.sql("select 1 from webhook_delivery where id = $1", [delivery?.id])).toEqual([])
  })

  it("5.1 are sent again when asked for, by the id of the message alone", async () => {
    const { endpoint } = await create("https://receiver.example/")
    await insertDeliveries(endpoint.id, 1)
    const listed = await server.graphql("query ($id: ID!) { node(id: $id) { ... on WebhookEndpoint { deliveries { id } } } }", { id: endpoint.id })
    const [{ id }] = listed.data.node.deliveries
    const redeliver = "mutation ($id: ID!) { webhookRedeliver(deliveryId: $id) { __typename ... on WebhookRedeliverSuccess { delivery { id delivered nextAttemptAt } } ... on Error { code } } }"
    const answer = (await server.graphql(redeliver, { id })).data.webhookRedeliver
    expect(answer).toMatchObject({ __typename: "WebhookRedeliverSuccess", delivery: { id, delivered: false } })
    expect(Date.parse(answer.delivery.nextAttemptAt)).toBeLessThan(Date.now() + 60_000)
    for (const other of [endpoint.id, "nonsense", Buffer.from(`WebhookDelivery:${crypto.randomUUID()}`).toString("base64url")]) {
      expect((await server.graphql(redeliver, { id: other })).data.webhookRedeliver).toEqual({ __typename: "NotFoundError", code: "NOT_FOUND" })
    }
  })

  it("have at most a hundred receivers", async () => {
    await server.sql("insert into webhook_endpoint (id, url, topics, secret, created_at) select gen_random_uuid(), 'https://many.example/', '{JOB_FAILED}', 'whsec_', now() from generate_series(1, 100)")
    expect(await create("https://receiver.example/")).toMatchObject({ __typename: "InvalidInputError", issues: [{ path: [] }] })
    await server.sql("delete from webhook_endpoint where url = 'https://many.example/'")
  })
})
