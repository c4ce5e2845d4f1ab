import { describe, expect, it } from "@effect/vitest"
import { Cause } from "effect"
import { DatabaseFailure, databaseFailure, isOutage } from "../../../src/persistence/failures.ts"

const thrown = (code: string | undefined, message = "what the driver said", more: object = {}) =>
  Object.assign(new Error(message), code === undefined ? {} : { code }, more)

describe("a failure of the database", () => {
  it.each([
    ["the server is not there", thrown("ECONNREFUSED")],
    ["the connection was reset", thrown("ECONNRESET")],
    ["the administrator ended the session", thrown("57P01")],
    ["the server is starting", thrown("57P03")],
    ["the server has no connection left", thrown("53300")],
    ["the protocol says so", thrown("08006")],
    ["pg says so without a code", thrown(undefined, "Connection terminated unexpectedly")],
    ["pg refuses a dead client", thrown(undefined, "Client has encountered a connection error and is not queryable")]
  ])("is an outage, which can pass, when %s", (_, error) => {
    const failure = databaseFailure(error)
    expect(failure).toMatchObject({ connectionLost: true, outcomeUnknown: false, transient: true, cause: error })
  })

  it("is of unknown outcome, and nothing to try again, when the connection went while committing", () => {
    const failure = databaseFailure(thrown("ECONNRESET"), { committing: true })
    expect(failure).toMatchObject({ connectionLost: true, outcomeUnknown: true, transient: false })
    expect(failure.message).toContain("unknown")
  })

  it.each(["40001", "40P01"])(
    "can pass when the transaction was the victim of another (%s), even at its commit",
    (code) => {
      expect(databaseFailure(thrown(code), { committing: true })).toMatchObject({
        connectionLost: false,
        transient: true,
        sqlState: code
      })
    }
  )

  it.each(["23505", "42601", "57014"])("is no outage and does not pass when the statement is at fault (%s)", (code) => {
    expect(databaseFailure(thrown(code))).toMatchObject({
      connectionLost: false,
      transient: false,
      sqlState: code,
      code
    })
  })

  it("stays what it is when it is looked at twice", () => {
    const failure = databaseFailure(thrown("57P01"))
    expect(databaseFailure(failure)).toBe(failure)
    expect(failure).toBeInstanceOf(DatabaseFailure)
  })
})

describe("a database that is lost or overloaded", () => {
  it.each(["57014", "55P03", "53100"])("%s passes", (sqlState) => {
    expect(isOutage(Cause.die(databaseFailure(thrown(sqlState, "given up"))))).toBe(true)
  })

  it("passes, too, when no connection of the pool became free in time, and is not asked again at once", () => {
    const starved = thrown(undefined, "timeout exceeded when trying to connect")
    expect(databaseFailure(starved)).toMatchObject({ connectionLost: false, transient: false })
    expect(isOutage(Cause.die(databaseFailure(starved)))).toBe(true)
    expect(isOutage(Cause.die(starved))).toBe(true)
  })

  it("is told from a bug, and from another server's outage", () => {
    expect(isOutage(Cause.die(databaseFailure(thrown("ECONNREFUSED"))))).toBe(true)
    expect(isOutage(Cause.die(thrown("57P01", "terminating connection", { severity: "FATAL" })))).toBe(true)
    expect(isOutage(Cause.die(thrown(undefined, "Connection terminated unexpectedly")))).toBe(true)
    expect(isOutage(Cause.die(databaseFailure(thrown("42P01", "no such table"))))).toBe(false)
    expect(isOutage(Cause.die(new TypeError("x is not a function")))).toBe(false)
    expect(isOutage(Cause.die(thrown("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:9000")))).toBe(false)
    expect(isOutage(Cause.fail(databaseFailure(thrown("ECONNREFUSED"))))).toBe(false)
  })
})
