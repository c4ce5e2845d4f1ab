/** A protocol is what is tested of it: each clause of docs/job-events.md has a test with its number, and no test has a number that is no clause. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"

const clauses = [...readFileSync("docs/job-events.md", "utf8").matchAll(/^- \*\*(\d+\.\d+)\*\*/gmu)].map(([, number]) => number)
const titles = ["tests/integration/graphql/jobEvents.test.ts", "tests/e2e/jobEvents.test.ts"].flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(/^ {2}it(?:\.each\(.*\))?\("(.+?)"/gmu)].map(([, title]) => title ?? ""))
const tested = titles.flatMap((title) => [...title.matchAll(/(?:^|, and )(\d+\.\d+) /gu)].map(([, number]) => number))

describe("docs/job-events.md", () => {
  it("numbers its clauses without gaps or repeats", () => {
    const sections = Map.groupBy(clauses.map((number) => (number ?? "").split(".").map(Number)), ([section]) => section)
    expect(clauses.length).toBeGreaterThan(30)
    for (const numbers of sections.values()) expect(numbers.map(([, number]) => number)).toEqual(numbers.map((_, index) => index + 1))
  })

  it("has a test for every clause, and tests for no others", () => {
    expect([...new Set(tested)].toSorted()).toEqual(clauses.toSorted())
  })

  it("is tested by sentences that begin with a number", () => {
    expect(titles.filter((title) => !/^\d+\.\d+ [a-z]/u.test(title))).toEqual([])
  })
})
