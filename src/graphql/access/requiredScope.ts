/** What an operation asks of its viewer: found before anything of it runs, so that no half of it is carried out. */
import { type DocumentNode, GraphQLError, type GraphQLSchema, type OperationTypeNode } from "graphql"
import { mayDo, Scope, type Viewer } from "../../domain/Viewer.ts"
import { operationSummary } from "../rootField.ts"

/** Of a field that says nothing (which tsc does not let through) the most is required. */
const scopeOf = (schema: GraphQLSchema, type: OperationTypeNode, field: string): Scope => {
  const declared = schema.getRootType(type)?.getFields()[field]?.extensions["scope"]
  return Scope.literals.find((scope) => scope === declared) ?? "ADMIN"
}

/** The refusal of an operation that asks for more than its viewer may. Whoever is known may ask for the schema itself. */
export const forbidden = (schema: GraphQLSchema, document: DocumentNode, operationName: string | null | undefined, viewer: Viewer): GraphQLError | undefined => {
  const operation = operationSummary(document, operationName)
  const beyond = operation?.fields.find((field) => !field.startsWith("__") && !mayDo(viewer, scopeOf(schema, operation.type, field)))
  if (operation === undefined || beyond === undefined) return undefined
  const required = scopeOf(schema, operation.type, beyond)
  return new GraphQLError(`\`${beyond}\` needs the scope ${required}; what was shown has ${viewer.scope ?? "none"}.`, {
    extensions: { code: "FORBIDDEN", requiredScope: required, http: { status: 403 } }
  })
}
