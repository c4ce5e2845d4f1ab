import { createServer } from "node:net"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"
import { ConfigFaults } from "../../../src/Config.ts"
import { exitCodes, startFailure } from "../../../src/startup/startFailure.ts"
import { DatabaseStartError } from "../../../src/persistence/failures.ts"

const tagged = (tag: string, message: string) => {
  class StartError extends Schema.TaggedError<StartError>()(tag, { message: Schema.String }) {}
  return new StartError({ message })
}

/** What Node really says when it cannot listen there. */
const refusal = (options: { readonly host: string; readonly port: number }) =>
  new Promise<unknown>((resolve, reject) => {
    const server = createServer()
    server.once("error", resolve)
    server.listen(options, () => server.close(() => reject(new Error("it could listen"))))
  })

describe("A failed start", () => {
  it("prints all faults of the configuration, with the code for it", () => {
    const faults = new ConfigFaults({ faults: [{ name: "PORT", value: "x", problem: "must be a number" }, { name: "HOST", value: undefined, problem: "must be set" }] })
    const { exitCode, line } = startFailure(faults)
    expect(exitCode).toBe(78)
    expect(line).toContain('PORT="x": must be a number\n  HOST: must be set')
  })

  it.each([
    ["DataDirectoryError", exitCodes.dataDirectory],
    ["DatabaseStartError", exitCodes.database],
    ["FFmpegStartError", exitCodes.ffmpeg]
  ] as const)("says what to do about a %s in one line", (tag, exitCode) => {
    expect(startFailure(tagged(tag, "Do this,\n then that: postgres://me:topsecret@db"))).toEqual({ line: "Do this, then that: postgres://me:***@db", exitCode })
    expect(startFailure(new Error("wrapped", { cause: tagged(tag, "Do this.") }))).toEqual({ line: "Do this.", exitCode })
  })

  it("tells a data directory that the embedded database cannot use from a database that cannot be reached", () => {
    const failure = (reason: DatabaseStartError["reason"]) => startFailure(new DatabaseStartError({ reason, message: "Do this." })).exitCode
    expect(failure("DATA_DIRECTORY")).toBe(exitCodes.dataDirectory)
    expect(failure("UNREACHABLE")).toBe(exitCodes.database)
  })

  it("gives each kind of failure a code of its own", () => {
    expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length)
  })

  it("names the port that is taken", async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen({ host: "127.0.0.1", port: 0 }, () => {
        const address = other.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
    const error = await refusal({ host: "127.0.0.1", port })
    other.close()
    const expected = { line: `Port ${port} on 127.0.0.1 is in use by another program: end it, or set PORT to another port.`, exitCode: exitCodes.network }
    expect(startFailure(error)).toEqual(expected)
    expect(startFailure(new Error("serving failed", { cause: error }))).toEqual(expected)
  })

  it("names the address that this machine does not have", async () => {
    expect(startFailure(await refusal({ host: "192.0.2.1", port: 0 }))).toEqual({ line: "This machine has no address 192.0.2.1: set HOST to one that it has.", exitCode: exitCodes.network })
  })

  it("names the port that this user may not use", () => {
    const error = Object.assign(new Error("listen EACCES: permission denied 127.0.0.1:80"), { code: "EACCES", syscall: "listen", address: "127.0.0.1", port: 80 })
    expect(startFailure(error)).toEqual({ line: "This user may not listen on port 80: set PORT to 1024 or above.", exitCode: exitCodes.network })
  })

  it("does not take another denial for the port's", () => {
    const error = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: "EACCES", syscall: "open" })
    expect(startFailure(error).exitCode).toBe(exitCodes.bug)
  })

  it.each([new TypeError("a is not a function"), "text", undefined, { message: "half an error" }])("admits that it did not foresee %s", (error) => {
    const { exitCode, line } = startFailure(error)
    expect(exitCode).toBe(70)
    expect(line).toMatch(/^Playhead could not start, for a reason that it did not foresee\. .+/u)
    expect(line).not.toContain("\n")
  })
})
