import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { loadConfig } from "../../src/Config.ts"
import { describeConfig } from "../../src/config/table.ts"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

const compose = read("deploy/compose.yml")
const dockerfile = read("deploy/Dockerfile")
const caddyfile = read("deploy/caddy/Caddyfile")
const exampleEnv = read("deploy/example.env")

/** Each service with its lines. */
const services = new Map(compose.split(/^ {2}(?=[a-z]+:\n {4}\S)/m).slice(1).map((part) => [/^[a-z]+/.exec(part)?.[0] ?? "", part]))
const environmentOf = (service: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...(services.get(service) ?? "").matchAll(/^ {6}([A-Z_]+): (.+)$/gm)].map(([, name = "", value = ""]) => [name, value]))
/** Those of the image's programs: what answers clients, and what works on jobs with the same settings and a role of its own. */
const playheadEnvironment = { ...environmentOf("playhead"), ...environmentOf("worker") }
const imageEnvironment = Object.fromEntries([...(/^ENV (.+)$/m.exec(dockerfile)?.[1] ?? "").matchAll(/(\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]))
/** `${NAME}`, `${NAME:-default}` and `${NAME:?why}`. */
const interpolated = (text: string, given: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g, (_, name: string, fallback = "") => given[name] ?? String(fallback))

const known = new Set(describeConfig().map(({ name }) => name))
const defaultPort = describeConfig().find(({ name }) => name === "PORT")?.default ?? ""

const start = (given: Readonly<Record<string, string>>) => {
  const own = Object.fromEntries(Object.entries(environmentOf("playhead")).map(([name, value]) => [name, interpolated(value, given)]))
  return Effect.runPromise(Effect.result(loadConfig({ environment: { ...imageEnvironment, ...own }, dotEnv: undefined, workingDirectory: "/app", isTerminal: false, cores: 2 } as Parameters<typeof loadConfig>[0])))
}

describe("what deploy/ starts", () => {
  it("gives Playhead no variable that is not a setting", () => {
    const names = [...Object.keys(playheadEnvironment), ...Object.keys(imageEnvironment)]
    expect(names).toEqual(expect.arrayContaining(["HOST", "PLAYHEAD_ADMIN_KEY", "DATABASE_URL", "PLAYHEAD_DATA_DIR"]))
    // Read by Node and its libraries.
    expect(names.filter((name) => !known.has(name) && name !== "NODE_ENV")).toEqual([])
  })

  it("asks the operator for what it uses, and for nothing else", () => {
    const wanted = new Set([...compose.matchAll(/\$\{(\w+)/g)].map(([, name]) => name))
    const offered = [...exampleEnv.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(offered.toSorted()).toEqual([...wanted].toSorted())
    const inCaddy = [...caddyfile.matchAll(/\{\$(\w+)\}/g)].map(([, name]) => name)
    expect(Object.keys(environmentOf("proxy"))).toEqual(expect.arrayContaining([...new Set(inCaddy)]))
  })

  it("is a server on every address that asks everybody for a key, and none without one", async () => {
    const config = await start({ POSTGRES_PASSWORD: "secret", PLAYHEAD_ADMIN_KEY: "0123456789abcdef0123456789abcdef" })
    expect(config).toMatchObject({ _tag: "Success", success: { host: "0.0.0.0", auth: "keys", warnings: [], dataDir: "/data", publicUrl: "http://localhost:8080" } })
    expect(await start({ POSTGRES_PASSWORD: "secret" })).toMatchObject({ _tag: "Failure" })
  })

  it("agrees about ports: proxy, container and Prometheus", () => {
    const upstreams = [...caddyfile.matchAll(/(?:reverse_proxy|import metrics_of) (\w+):(\d+)/g)].map(([, service, port]) => `${service}:${port}`)
    expect(upstreams).toEqual([`playhead:${defaultPort}`, `playhead:${defaultPort}`, `worker:${defaultPort}`])
    expect(upstreams.filter((upstream) => !services.has(upstream.split(":")[0] ?? ""))).toEqual([])
    expect(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]).toBe(defaultPort)
    const targets = [...read("deploy/prometheus/prometheus.yml").matchAll(/(\w+):(94\d\d)/g)]
    expect(targets).toHaveLength(2)
    for (const [, service = "", port = ""] of targets) {
      expect(services.get(service)).toContain("Caddyfile")
      expect(caddyfile).toContain(`\n:${port} {\n`)
    }
    const published = /ports: \["127\.0\.0\.1:(\d+):(\d+)"\]/.exec(services.get("proxy") ?? "")
    expect(caddyfile).toContain(`\n:${published?.[2]} {\n`)
    expect(environmentOf("playhead")["PLAYHEAD_PUBLIC_URL"]).toContain(`localhost:${published?.[1]}`)
  })

  it("names files that are there, and volumes that are declared", () => {
    const mounted = [...compose.matchAll(/^\s+(?:- |volumes: \["?)(\.?[\w./-]+):(\/[\w./-]+)/gm)].map(([, from = ""]) => from)
    expect(mounted.length).toBeGreaterThan(5)
    const declared = new Set([...(compose.split(/^volumes:$/m)[1] ?? "").matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => name))
    expect(mounted.filter((from) => from.startsWith(".") ? !existsSync(join(root, "deploy", from)) : !declared.has(from))).toEqual([])
    const copied = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, from = ""]) => from.split(" "))
    const admitted = new Set(read(".dockerignore").split("\n").filter((line) => line.startsWith("!")).map((line) => line.slice(1)))
    expect(copied).toContain("src")
    expect(copied.filter((path) => !existsSync(join(root, path)) || !admitted.has(path))).toEqual([])
    const [, program = ""] = /^CMD \["node", "(.+)"\]$/m.exec(dockerfile) ?? []
    expect(existsSync(join(root, program))).toBe(true)
  })

  it("is healthy while /healthz answers, and not once it does not", async () => {
    const [, script = ""] = /CMD \["node", "-e", "(.+)"\]$/m.exec(dockerfile) ?? []
    const asked: Array<string | undefined> = []
    const server = createServer((request, response) => {
      asked.push(request.url)
      response.writeHead(asked.length === 1 ? 200 : 503).end()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const exitCode = () => new Promise((resolve) => {
      const child = execFile(process.execPath, ["-e", script], { env: { PORT: String(port) } }, () => resolve(child.exitCode))
    })
    expect(await exitCode()).toBe(0)
    expect(await exitCode()).toBe(1)
    await new Promise((resolve) => server.close(resolve))
    expect(await exitCode()).toBe(1)
    expect(asked).toEqual(["/healthz", "/healthz"])
  })
})
