import fc from "fast-check"
import pg from "pg"
import { describe, expect, it } from "vitest"
import { makeTimeParser } from "../../../src/persistence/times.ts"

const byDriver = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ, "text") as (text: string) => Date
const parse = makeTimeParser(byDriver)

/** As PostgreSQL writes it, to the microsecond. */
const written = (at: Date, micros: number): string => {
  const fraction = `.${String(at.getUTCMilliseconds()).padStart(3, "0")}${String(micros).padStart(3, "0")}`.replace(/\.?0+$/u, "")
  return `${at.toISOString().slice(0, 19).replace("T", " ")}${fraction}+00`
}

describe("reading PostgreSQL's times", () => {
  it("reads what the driver reads, from the year 1 to 9999", () => {
    const times = fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
    fc.assert(fc.property(times, fc.integer({ min: 0, max: 999 }), (at, micros) => {
      expect(parse(written(at, micros))).toEqual(byDriver(written(at, micros)))
      expect(parse(written(at, micros))).toEqual(at)
    }))
  })

  it.each(["2026-01-31 12:00:00.5+02", "2026-01-31 12:00:00+05:30", "0044-03-15 12:00:00+00 BC", "12026-01-31 12:00:00+00", "infinity"])("leaves %s to the driver", (text) => {
    expect(parse(text)).toEqual(byDriver(text))
  })
})
