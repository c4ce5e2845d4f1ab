/** A node of Playhead as a process of its own, which can be killed, frozen and started again. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** What a node logs once it takes submissions. */
export const doorIsOpen = "The door for submissions is open"

const entry = fileURLToPath(new URL("node.ts", import.meta.url))

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** None of them outlives us. */
const children = new Set<ChildProcess>()
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")))

export interface NodeProcess {
  readonly port: number
  /** Where it takes submissions: see node.ts. */
  readonly doorPort: number
  readonly servesApi: boolean
  readonly pid: () => number | undefined
  /** Resolves once it is ready. */
  readonly start: () => Promise<void>
  /** Resolves once it is gone, with its exit code; null when a signal ended it. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<number | null>
  readonly signal: (signal: NodeJS.Signals) => void
}

/** Whether a process may be given a host name that differs from ours, as if it ran on another machine. */
export const hostsCanBeNamed = (): boolean => {
  try {
    execFileSync("unshare", ["--uts", "hostname", "elsewhere"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** `host` is the name of the machine that it believes to run on; ours when left out. */
export const makeNodeProcess = async (environment: NodeJS.ProcessEnv, host?: string): Promise<NodeProcess> => {
  const [port, doorPort] = [await freePort(), await freePort()]
  const [program, args] = host === undefined
    ? [process.execPath, [entry]] as const
    : ["unshare", ["--uts", "sh", "-c", `hostname ${host} && exec "$0" "$@"`, process.execPath, entry]] as const
  let child: ChildProcess | undefined
  return {
    port,
    doorPort,
    servesApi: environment["PLAYHEAD_ROLES"] !== "worker",
    pid: () => child?.pid,
    start: async () => {
      const started = spawn(program, args, {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, LOG_FORMAT: "json", ...environment, PORT: String(port), DOOR_PORT: String(doorPort) }
      })
      child = started
      children.add(started)
      started.once("exit", () => children.delete(started))
      const printed: Array<string> = []
      for await (const line of createInterface(started.stdout)) {
        printed.push(line)
        if (!line.includes(doorIsOpen)) continue
        // For whoever looks for the cause of a missed bar.
        if (process.env["CHAOS_LOG"] === undefined) started.stdout.resume()
        else started.stdout.pipe(createWriteStream(`${process.env["CHAOS_LOG"]}-${port}.log`, { flags: "a" }))
        return
      }
      throw new Error(`the node ended before it was ready:\n${printed.join("\n")}`)
    },
    end: async (signal) => {
      if (child === undefined) return null
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, "exit")
        child.kill(signal)
        await gone
      }
      return child.exitCode
    },
    signal: (signal) => child?.kill(signal)
  }
}
