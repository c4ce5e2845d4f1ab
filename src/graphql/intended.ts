import { GraphQLError } from "graphql"

/** Whether an error was meant for the client: one that something else caused tells of the inside. */
export const isIntended = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && (error.cause === undefined || error.cause === null || isIntended(error.cause))
