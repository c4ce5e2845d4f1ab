import { get } from "node:http"
import { Effect } from "effect"
import { serverAudits } from "graphql-http"
import { describe, expect, it } from "vitest"
import { useTestServer } from "../../support/testServer.ts"

let database: "HEALTHY" | "DEGRADED" | "UNHEALTHY" = "HEALTHY"
const server = useTestServer("postgres", { checks: [{ name: "database", run: Effect.sync(() => ({ status: database, message: "looked at" })) }] })

describe("GraphQL over HTTP", () => {
  const audits = serverAudits({
    url: () => server.url(),
    fetchFn: (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers)
      headers.set("graphql-require-preflight", "1")
      return fetch(url, { ...init, headers })
    }
  })

  it("is audited in 61 points", () => {
    expect(audits).toHaveLength(61)
  })

  it.each(audits.map((audit) => [audit.name, audit] as const))("%s", async (_name, audit) => {
    const result = await audit.fn()
    expect(result.status === "ok" ? "ok" : `${result.status}: ${result.reason}`).toBe("ok")
  })
})

describe("the page for people", () => {
  const load = (headers: Readonly<Record<string, string>> = {}) => fetch(server.url(), { headers: { accept: "text/html", ...headers } })

  it("is GraphiQL, with operations that are ready to run, and asks nobody else for anything", async () => {
    const response = await load()
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8")
    const policy = response.headers.get("content-security-policy") ?? ""
    expect(policy).toMatch(/^default-src 'none'/)
    expect(policy).toContain("connect-src 'self'")
    expect(policy).not.toMatch(/https?:/)
    expect(response.headers.get("x-frame-options")).toBe("DENY")
    const html = await response.text()
    expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/)
    for (const operation of ["mutation Import", "subscription Watch", "query Track", "query Library", "query Health"]) expect(html).toContain(operation)
  })

  it("is sent once", async () => {
    const first = await load()
    await first.arrayBuffer()
    const again = await load({ "if-none-match": first.headers.get("etag") ?? "" })
    expect(again.status).toBe(304)
  })

  it("has operations that the schema accepts", async () => {
    const { parse, validate } = await import("graphql")
    const { schema } = await import("../../../src/graphql/schema.ts")
    const html = await (await load()).text()
    const options = /"defaultTabs":(\[.*?\])\}?[,)]/s.exec(html.slice(html.lastIndexOf("\"defaultTabs\":")))?.[1] ?? "[]"
    const tabs = JSON.parse(options) as ReadonlyArray<{ query: string }>
    expect(tabs.length).toBeGreaterThanOrEqual(5)
    for (const { query } of tabs) expect(validate(schema, parse(query))).toEqual([])
  })

  it("is where / leads to", async () => {
    const response = await fetch(server.url("/"), { redirect: "manual" })
    expect(response.headers.get("location")).toBe("/graphql")
  })
})

describe("other addresses", () => {
  it("say that the process lives", async () => {
    const response = await fetch(server.url("/healthz"))
    expect(response.status).toBe(200)
  })

  it.each([["HEALTHY", 200], ["DEGRADED", 200], ["UNHEALTHY", 503]] as const)("say whether work can be sent here: %s is %i", async (status, code) => {
    database = status
    const response = await fetch(server.url("/readyz"))
    expect(response.status).toBe(code)
    expect(await response.json()).toMatchObject({ status, version: "1.2.3", checks: [{ name: "database", status, message: "looked at" }] })
  })

  // Over a bare request: fetch would make such addresses plain before it sends them.
  it.each([
    "/media/../../../etc/passwd", "/media/..%2f..%2f..%2fetc%2fpasswd", "/media/%2e%2e/%2e%2e/etc/passwd", "/media/....//....//etc/passwd", "/media/%00", "/media/..%5c..%5cetc%5cpasswd",
    "/media//etc/passwd", "/media/QXJ0aWZhY3Q6Li4vLi4vZXRjL3Bhc3N3ZA", "/media/00000000-0000-7000-8000-000000000000/../../blobs", "/media/00000000-0000-7000-8000-000000000000/waveform.json/../../x"
  ])("lead out of the media to nothing: %s", async (path) => {
    const { hostname, port } = new URL(server.url())
    const [status, type] = await new Promise<readonly [number | undefined, string | undefined]>((resolve, reject) => {
      get({ hostname, port, path }, (response) => resolve([response.resume().statusCode, response.headers["content-type"]])).once("error", reject)
    })
    expect([status, type]).toEqual([404, expect.stringContaining("application/problem+json")])
  })

  it.each(["/nothing", "/graphql/x", "//evil.example/"])("are a problem in JSON where nothing is: %s", async (path) => {
    const response = await fetch(server.url(path), { redirect: "manual" })
    expect(response.status).toBe(404)
    expect(response.headers.get("content-type")).toContain("application/problem+json")
  })
})
