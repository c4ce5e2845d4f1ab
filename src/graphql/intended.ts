import { GraphQLError } from "graphql"

const chainOf = (error: unknown): ReadonlyArray<unknown> =>
  error instanceof Error && error.cause !== undefined && error.cause !== null ? [error, ...chainOf(error.cause)] : [error]

const hasCode = (error: GraphQLError): boolean => typeof error.extensions["code"] === "string"

/**
 * Whether an error was meant for the client: one that something else caused tells of the inside. So does one of graphql-js
 * about what a field returned, which alone points at no place of the document before it is located there.
 */
export const isIntended = (error: unknown): error is GraphQLError => {
  const chain = chainOf(error)
  if (!chain.every((one) => one instanceof GraphQLError)) return false
  const [located, ...causes] = chain
  return located?.path === undefined || hasCode(located) || causes.some((cause) => hasCode(cause) || cause.nodes !== undefined)
}

/** What graphql-js refuses while it executes, such as the value of a variable, has no code of its own. */
export const coded = (error: GraphQLError): GraphQLError =>
  hasCode(error)
    ? error
    : new GraphQLError(error.message, { nodes: error.nodes, source: error.source, positions: error.positions, path: error.path, extensions: { ...error.extensions, code: "BAD_REQUEST" } })
