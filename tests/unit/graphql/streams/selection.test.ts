import { getOperationAST, parse } from "graphql"
import { describe, expect, it } from "vitest"
import { selectionKey } from "../../../../src/graphql/streams/selection.ts"

const keyOf = (text: string, values: Readonly<Record<string, unknown>> = {}, name?: string): string => {
  const document = parse(text)
  const operation = getOperationAST(document, name)
  if (operation === null || operation === undefined) throw new Error("there is no such operation")
  return selectionKey(document, operation, values)
}

describe("the key of a subscription's answers", () => {
  it("is the same wherever the subscription begins, and however that is written", () => {
    const inline = keyOf(`subscription { jobEvents(jobId: "a", afterSequence: 3) { sequence } }`)
    const variables = keyOf("subscription ($id: ID!, $after: Int) { jobEvents(jobId: $id, afterSequence: $after) { sequence } }", { id: "a", after: 7 })
    expect(variables).toBe(inline)
    expect(keyOf("subscription ($i: ID!) { jobEvents(jobId: $i) { sequence } }", { i: "b" })).toBe(inline)
  })

  it("tells selections, aliases and response names apart", () => {
    const selections = ["jobEvents { sequence }", "jobEvents { at }", "jobEvents { at sequence }", "jobEvents { n: sequence }", "events: jobEvents { sequence }", "jobEvents { ...F }"]
    const keys = selections.map((selection) => keyOf(`subscription { ${selection} } fragment F on JobEvent { sequence }`))
    expect(new Set(keys).size).toBe(selections.length)
  })

  it("tells fragments of the same name apart", () => {
    const withFragment = (fields: string) => keyOf(`subscription { jobEvents { ...F } } fragment F on JobEvent { ${fields} }`)
    expect(withFragment("at")).not.toBe(withFragment("sequence"))
  })

  it("tells the values of variables apart that anything but the root field's arguments uses", () => {
    const nested = (first: number) => keyOf("subscription ($id: ID!, $n: Int) { jobEvents(jobId: $id) { job { events(first: $n) { sequence } } } }", { id: "a", n: first })
    expect(nested(1)).not.toBe(nested(2))
    const conditional = (at: boolean) => keyOf("subscription ($id: ID!, $at: Boolean!) { jobEvents(jobId: $id) { sequence at @include(if: $at) } }", { id: "a", at })
    expect(conditional(true)).not.toBe(conditional(false))
    const both = (n: number) => keyOf("subscription ($n: Int!) { jobEvents(afterSequence: $n) { job { events(first: $n) { sequence } } } }", { n })
    expect(both(1)).not.toBe(both(2))
  })

  it("tells the operations of one document apart", () => {
    const document = "subscription A { jobEvents { sequence } } subscription B { jobEvents { at } }"
    expect(keyOf(document, {}, "A")).not.toBe(keyOf(document, {}, "B"))
  })

  it("keeps the arguments of a root field that stands in a fragment: they may say anything there", () => {
    const within = (id: string) => keyOf("subscription ($id: ID!) { ...S } fragment S on Subscription { jobEvents(jobId: $id) { sequence } }", { id })
    expect(within("a")).not.toBe(within("b"))
  })
})
