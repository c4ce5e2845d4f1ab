/** Whether an answer is what a field's rule has. */
import { type FieldRule, isMade, type Taken } from "./rules.ts"

export interface Answer {
  readonly status: number
  readonly errors: ReadonlyArray<{ readonly message: string; readonly extensions?: { readonly code?: string } }>
  readonly result: { readonly __typename: string; readonly message?: string; readonly issues?: ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }> } | null
}

export const short = (given: unknown): string => (JSON.stringify(given) ?? String(given)).slice(0, 120)

const at = (result: unknown, place: string): unknown => place.split(".").reduce<unknown>((part, step) => (part as Readonly<Record<string, unknown>> | undefined)?.[step], result)

/** Nobody is ever told that the server is at fault. */
export const blunders = ({ errors, status }: Answer): ReadonlyArray<string> => [
  ...(status < 500 ? [] : [`the status is ${status}`]),
  ...errors.filter(({ extensions }) => extensions?.code === undefined || extensions.code === "INTERNAL").map((error) => `this is no refusal: ${short(error)}`)
]

export const takenFaults = (rule: FieldRule, taken: Taken, answer: Answer): ReadonlyArray<string> => {
  const { errors, result } = answer
  if (errors.length > 0 || result === null) return [`it is refused: ${short(errors)}`]
  if (rule.or?.includes(result.__typename) === true) return []
  if (!result.__typename.endsWith("Success")) return [`it is refused: ${short(result)}`]
  if (rule.shownAt === undefined || isMade(taken.value)) return []
  const sorted = (shown: unknown) => Array.isArray(shown) ? [...shown].toSorted() : shown
  const [shown, expected] = [sorted(at(result, rule.shownAt)), sorted("shown" in taken ? taken.shown : taken.value)]
  return JSON.stringify(shown) === JSON.stringify(expected) ? [] : [`it has become ${short(shown)}`]
}

export const refusedFaults = (way: string, rule: FieldRule, how: string, { errors, result }: Answer): ReadonlyArray<string> => {
  const codes = errors.map(({ extensions }) => extensions?.code)
  if (how === "graphql") return errors.length > 0 ? [] : [`GraphQL lets it pass: ${short(result)}`]
  if (how === "INVALID_INPUT") return codes.includes(how) && rule.says?.test(errors[0]?.message ?? "") === true ? [] : [`it is answered with ${short(errors)}`]
  if (how !== "" && !how.startsWith(".")) return result?.__typename === how ? [] : [`it is answered with ${short(result ?? errors)}`]
  const { issues = [] } = result ?? {}
  const path = `${way.slice(way.indexOf(".") + 1)}${how}`
  return [
    ...(issues.length === 1 && issues[0]?.path.join(".") === path ? [] : [`one issue should name ${path}: ${short(result ?? errors)}`]),
    ...(how !== "" || issues.every(({ message }) => rule.says?.test(message)) ? [] : [`the message does not say what is right: ${short(issues)}`])
  ]
}
