/** Executes queries by a plan that is kept with their document; what is rare is left to graphql-js. */
import {
  type DocumentNode,
  execute as executeByGraphql,
  executeRootSelectionSet,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type ValidatedExecutionArgs,
  validateExecutionArgs,
  visit
} from "graphql"
import { perDocument } from "../perDocument.ts"
import { type PlannedField, planFields } from "./plan.ts"
import { Run } from "./run.ts"

type Plan = ReadonlyArray<PlannedField>

/** What a document says of plans for its operations. */
interface Known {
  /** The variables by which its fields are skipped and included. */
  readonly conditions: ReadonlyArray<string>
  readonly plans: Map<string, Plan>
}

/** Of one document. Its variables have as many combinations as a client likes, and plans are kept as long as documents are. */
const maxPlans = 16

const conditional = new Set(["skip", "include"])
const introspection = new Set(["__schema", "__type"])

/** Undefined for a document that is not planned: with other directives, with introspection, with a name that objects cannot have. */
const examine = perDocument((document): Known | undefined => {
  const conditions = new Set<string>()
  let plain = true
  visit(document, {
    Directive: (directive) => {
      if (!conditional.has(directive.name.value)) plain = false
      for (const { value } of directive.arguments ?? []) if (value.kind === Kind.VARIABLE) conditions.add(value.name.value)
    },
    Field: ({ alias, name }) => {
      if (introspection.has(name.value) || alias?.value === "__proto__") plain = false
    }
  })
  return plain ? { conditions: [...conditions], plans: new Map() } : undefined
})

const fragmentsOf = (document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])))

const pick = <Value>(names: ReadonlyArray<string>, values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(names.flatMap((name) => { const value = values[name]; return value === undefined ? [] : [[name, value]] }))

const plan = ({ document, operation, schema, variableValues }: ValidatedExecutionArgs, { conditions, plans }: Known): Plan => {
  const nameOf = ({ name }: OperationDefinitionNode) => name?.value ?? ""
  const key = [nameOf(operation), ...conditions.map((name) => String(variableValues.coerced[name]))].join()
  const before = plans.get(key)
  if (before !== undefined) return before
  const root = schema.getRootType(operation.operation)
  // It outlives the request, whose other variables may be large.
  const variables = { sources: pick(conditions, variableValues.sources), coerced: pick(conditions, variableValues.coerced) }
  const made = root === null || root === undefined ? [] : planFields(root, [operation.selectionSet], { schema, fragments: fragmentsOf(document), variables })
  if (plans.size < maxPlans) plans.set(key, made)
  return made
}

/** As graphql-js executes a valid document. */
export const execute = (args: ExecutionArgs): ExecutionResult | Promise<ExecutionResult> => {
  const examined = examine(args.document)
  if (examined === undefined || args.abortSignal !== undefined) return executeByGraphql(args)
  const validated = validateExecutionArgs(args)
  if (!("operation" in validated)) return { errors: validated }
  if (validated.operation.operation !== OperationTypeNode.QUERY) return executeRootSelectionSet(validated)
  return new Run(validated).answer(plan(validated, examined))
}
