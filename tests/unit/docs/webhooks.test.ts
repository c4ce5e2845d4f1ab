/** Each clause of docs/webhooks.md has a test with its number, and no test has a number that is no clause. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { WebhookTopic } from "../../../src/domain/Webhook.ts"

const document = readFileSync("docs/webhooks.md", "utf8")
const clauses = [...document.matchAll(/^- \*\*(\d+\.\d+)\*\*/gmu)].map(([, number]) => number ?? "")
const tests = [
  "tests/unit/operations/webhooks/signature.test.ts",
  "tests/unit/operations/webhooks/retryDelay.test.ts",
  "tests/integration/operations/webhooks.test.ts",
  "tests/integration/graphql/webhooks.test.ts",
  "tests/e2e/webhooks.test.ts"
]
const titles = tests.flatMap((path) => [...readFileSync(path, "utf8").matchAll(/^ {2}(?:it|\]\))[^"]*?\("(\d+\.\d+ .+?)", (?:async )?\(/gmu)].map(([, title]) => title ?? ""))
const tested = titles.flatMap((title) => [...title.matchAll(/(?:^|, and )(\d+\.\d+) /gu)].map(([, number]) => number ?? ""))

describe("docs/webhooks.md", () => {
  it("numbers its clauses without gaps or repeats", () => {
    const sections = Map.groupBy(clauses.map((number) => number.split(".").map(Number)), ([section]) => section)
    expect(clauses.length).toBeGreaterThan(20)
    for (const numbers of sections.values()) expect(numbers.map(([, number]) => number)).toEqual(numbers.map((_, index) => index + 1))
  })

  it("has a test for every clause, and tests for no others", () => {
    expect([...new Set(tested)].toSorted()).toEqual(clauses.toSorted())
  })

  it("names every type of message", () => {
    for (const topic of WebhookTopic.literals) expect(document).toContain(`\`${topic.toLowerCase().replace("_", ".")}\``)
  })
})
