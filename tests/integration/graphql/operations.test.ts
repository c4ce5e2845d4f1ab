import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { FailureObserver } from "../../../src/domain/failureObserver.ts"
import { engines } from "../../support/database.ts"
import { useTestServer } from "../../support/testServer.ts"

describe.each(engines)("operations on %s", (engine) => {
  const server = useTestServer(engine)

  it("show who does work for the server, and how well", async () => {
    const { data, errors } = await server.graphql(`{ providers { name capability configured tier circuit status latencyMs lastFailure { message } budgets { metric limit used windowSeconds resetsAt } } }`)
    expect(errors).toBeUndefined()
    expect(data.providers).toContainEqual({ name: "afftdn", capability: "ENHANCEMENT", configured: true, tier: "BASIC", circuit: "CLOSED", status: "HEALTHY", latencyMs: null, lastFailure: null, budgets: [] })
    expect(data.providers).toContainEqual(expect.objectContaining({ name: "sherpa-onnx", configured: false, tier: "HIGH" }))
  })

  it("report failures with what became of them", async () => {
    const { job_id: jobId } = (await server.sql<{ job_id: string }>("insert into job (id, kind, status, priority, options, last_sequence, created_at, updated_at) values (gen_random_uuid(), 'IMPORT', 'QUEUED', 1, '{}', 0, now(), now()) returning id as job_id"))[0] as { job_id: string }
    await server.runtime.runPromise(Effect.map(FailureObserver, ({ failed, recovered }) => {
      for (let n = 0; n < 4; n++) failed({ code: "STORAGE_FAILED", stage: "STORE", provider: null, jobId, handled: true })
      recovered({ code: "STORAGE_FAILED", stage: "STORE", provider: null, count: 3, afterMs: 250 })
    }))
    const ask = `{ errorReport(lastSeconds: 60) { total handled unhandled recovered recoveryRate meanTimeToRecoveryMs groups { code stage provider count recovered sampleJob { kind } } } }`
    const { data, errors } = await server.graphql(ask)
    expect(errors).toBeUndefined()
    expect(data.errorReport).toEqual({
      total: 4, handled: 4, unhandled: 0, recovered: 3, recoveryRate: 0.75, meanTimeToRecoveryMs: 250,
      groups: [{ code: "STORAGE_FAILED", stage: "STORE", provider: null, count: 4, recovered: 3, sampleJob: { kind: "IMPORT" } }]
    })
  })

  it("count what nobody expected as unhandled", async () => {
    const answer = await server.graphql(`mutation { trackImport(input: { source: { url: "http://example.org/bug.mp3" } }) { __typename } }`)
    expect(answer.errors?.[0].extensions.code).toBe("INTERNAL")
    const { data } = await server.graphql(`{ errorReport { unhandled groups { code count } } }`)
    expect(data.errorReport).toMatchObject({ unhandled: 1, groups: expect.arrayContaining([{ code: "INTERNAL", count: 1 }]) })
  })

  it.each(["errorReport(lastSeconds: 0) { total }", "errorReport(lastSeconds: 100000000) { total }", "incidents(first: 0) { id }", "incidents(first: 101) { id }"])("refuse %s", async (field) => {
    const answer = await server.graphql(`{ ${field} }`)
    expect(answer.errors?.[0].extensions.code).toBe("INVALID_INPUT")
  })

  it("show the error budget, and incidents as nodes", async () => {
    await server.sql("insert into incident (id, subject, cause, opened_at, error_count, changed_at) values (gen_random_uuid(), 'test', 'a test', now() - interval '1 day', 7, now())")
    const { data, errors } = await server.graphql(`{ errorBudget { objective windowSeconds total failed remaining burnRate exhaustsAt } incidents { id status cause provider errorCount resolvedAt } }`)
    expect(errors).toBeUndefined()
    expect(data.errorBudget).toMatchObject({ objective: 0.99, windowSeconds: 2_592_000, remaining: 1, exhaustsAt: null })
    const [incident] = data.incidents
    expect(incident).toMatchObject({ cause: "a test", provider: null, errorCount: 7 })
    const again = await server.graphql(`query ($id: ID!) { node(id: $id) { __typename id ... on Incident { cause } } }`, { id: incident.id })
    expect(again.data.node).toEqual({ __typename: "Incident", id: incident.id, cause: "a test" })
  })
})
