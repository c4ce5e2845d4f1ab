import { Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { RateLimits } from "../../../src/access/RateLimits.ts"
import { everybody, type Viewer } from "../../../src/domain/Viewer.ts"
import { bearer, keysRequired, makeKey } from "../../support/access.ts"
import { engines } from "../../support/database.ts"
import { useTestServer } from "../../support/testServer.ts"
import { socketTo } from "../../support/watching.ts"

const importOne = (key = "a") => `mutation { trackImport(input: { source: { url: "http://example.org/${key}.mp3" } }) { __typename ... on RateLimitedError { code retryable retryAfterMs message } } }`

describe.each(engines)("what one account may ask for on %s", (engine) => {
  const server = useTestServer(engine, { access: keysRequired, limits: { requestsPerMinute: 30, jobsPerMinute: 3 } })
  const viewer = (name: string): Viewer => ({ name, scope: "WRITE", keyId: undefined, expiresAt: undefined })
  /** Another node on the same database. */
  const node = (viewer: Viewer) =>
    server.runtime.runPromise(Effect.result(Effect.flatMap(RateLimits, (limits) => limits.job(viewer)).pipe(
      Effect.provide(Layer.fresh(RateLimits.layer({ requestsPerMinute: 0, jobsPerMinute: 3 })))
    )))

  it("is counted for all nodes together, comes back evenly, and is not shared with others", async () => {
    const outcomes = []
    for (let n = 0; n < 4; n++) outcomes.push(await node(viewer("ann")))
    expect(outcomes.map(({ _tag }) => _tag)).toEqual(["Success", "Success", "Success", "Failure"])
    expect(outcomes[3]).toMatchObject({ failure: { _tag: "RateLimitedError" } })
    const { retryAfterMs } = (outcomes[3] as { failure: { retryAfterMs: number } }).failure
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(20_000)
    expect((await node(viewer("bob")))._tag).toBe("Success")
    // A third of a minute later.
    await server.sql("update rate_limit set full_at = full_at - interval '20 seconds' where account = 'jobs: ann'")
    expect((await node(viewer("ann")))._tag).toBe("Success")
    expect((await node(viewer("ann")))._tag).toBe("Failure")
    await server.sql("update rate_limit set full_at = full_at - interval '1 hour' where account = 'jobs: ann'")
    const later = await Promise.all([1, 2, 3, 4, 5].map(() => node(viewer("ann"))))
    expect(later.filter(({ _tag }) => _tag === "Success")).toHaveLength(3)
  })

  it("is not counted where nobody is asked who they are", async () => {
    for (let n = 0; n < 5; n++) expect((await node(everybody))._tag).toBe("Success")
  })

  it("is told as a result when there are too many jobs", async () => {
    const { token } = await makeKey(server, ["WRITE"])
    for (let n = 0; n < 3; n++) expect((await server.graphql(importOne(), {}, bearer(token))).data.trackImport.__typename).toBe("TrackImportSuccess")
    const { data, errors } = await server.graphql(importOne(), {}, bearer(token))
    expect(errors).toBeUndefined()
    expect(data.trackImport).toMatchObject({ __typename: "RateLimitedError", code: "RATE_LIMITED", retryable: true, message: expect.stringContaining("3 jobs a minute") })
    expect(data.trackImport.retryAfterMs).toBeGreaterThan(0)
    const batch = `mutation { trackImportBatch(inputs: [{ source: { url: "http://example.org/b.mp3" } }]) { __typename } }`
    expect((await server.graphql(batch, {}, bearer(token))).data.trackImportBatch).toEqual([{ __typename: "RateLimitedError" }])
  })

  it("is told by 429 and Retry-After when there are too many requests, on every route", async () => {
    const { token } = await makeKey(server, ["WRITE"])
    const other = await makeKey(server, ["READ"])
    const socket = await socketTo(server.url(), { authorization: `Bearer ${token}` })
    for (let n = 0; n < 40; n++) await server.graphql("{ __typename }", {}, bearer(token))
    const { errors, status } = await server.graphql("{ __typename }", {}, bearer(token))
    expect([status, errors?.[0].extensions.code]).toEqual([429, "RATE_LIMITED"])
    expect(errors?.[0].extensions.retryAfterMs).toBeGreaterThan(0)
    const routes = [fetch(server.url("/metrics"), { headers: bearer(token) }), fetch(server.url("/uploads"), { method: "POST", headers: { ...bearer(token), "tus-resumable": "1.0.0", "upload-length": "1" } }), fetch(server.url("/media/x"), { headers: bearer(token) })]
    for (const response of await Promise.all(routes)) {
      expect(response.status).toBe(429)
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0)
    }
    expect(await socket.subscribe({ query: "{ __typename }", variables: {} }).ended).toMatchObject([{ extensions: { code: "RATE_LIMITED" } }])
    socket.socket.close()
    expect((await server.graphql("{ __typename }", {}, bearer(other.token))).status).toBe(200)
  })
})
