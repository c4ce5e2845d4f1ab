/**
 * One execution of a planned query. graphql-js makes promises of every object and list around a value that is late, and
 * looks up anew what a field is for each object; here the answer is one tree from the start, into which late values are
 * put when they come. Nulls and errors are as the specification has them (section 6.4.4).
 */
import { inspect } from "node:util"
import {
  defaultFieldResolver,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
  locatedError,
  type ValidatedExecutionArgs
} from "graphql"
import type { PlannedField, Shape } from "./plan.ts"

export interface Answer {
  readonly errors?: ReadonlyArray<GraphQLError>
  readonly data: Readonly<Record<string, unknown>> | null
}

type Key = string | number
type Holder = Record<Key, unknown>
type Path = GraphQLResolveInfo["path"]
type Promised = PromiseLike<unknown>

/** Where an object or a list stands in the answer. */
interface Place {
  readonly holder: Holder
  readonly key: Key
  readonly parent: Place | undefined
  readonly nullable: boolean
  /** Of whose fields the key is one; undefined in a list. */
  readonly typename: string | undefined
  /** An error has taken its place: nothing that comes for it now is of interest. */
  gone: boolean
}

/** Where a value goes, and what it is to be. */
interface Spot {
  readonly field: PlannedField
  /** Of the field, or of an item of it. */
  readonly shape: Shape
  readonly holder: Holder
  readonly key: Key
  /** What it is in. */
  readonly parent: Place
}

const placeOf = ({ field, holder, key, parent, shape }: Spot): Place =>
  ({ holder, key, parent, nullable: shape.nullable, typename: typeof key === "string" ? field.parentType.name : undefined, gone: false })

const isPromise = (value: unknown): value is Promised =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

/** What needs no more than to be written down, as most values do. */
const isPlain = (value: unknown): boolean => typeof value === "string" || typeof value === "number" || typeof value === "boolean"

const leafOf = (value: unknown, type: GraphQLLeafType): unknown => {
  const leaf: unknown = type.coerceOutputValue(value)
  if (leaf !== null && leaf !== undefined) return leaf
  throw new Error(`Expected \`${type.name}.coerceOutputValue(${inspect(value)})\` to return non-nullable value, returned: ${inspect(leaf)}`)
}

/** From the outside in; the answer as a whole is no part of it. */
const keysOf = (place: Place): Array<Key> => (place.parent === undefined ? [] : [...keysOf(place.parent), place.key])

const isGone = (place: Place): boolean => place.gone || (place.parent !== undefined && isGone(place.parent))

const pathTo = (place: Place, key: Key, typename: string | undefined): Path => ({
  prev: place.parent === undefined ? undefined : pathTo(place.parent, place.key, place.typename),
  key,
  typename
})

const helpers: ReturnType<GraphQLResolveInfo["getAsyncHelpers"]> = { promiseAll: (values) => Promise.all(values), track: () => {} }
const helpersOf = () => helpers
const noSignal = (): undefined => undefined

/** What graphql-js tells a resolver of its field. Few ask, so only what is asked for is put together. */
class Info implements GraphQLResolveInfo {
  readonly #field: PlannedField
  readonly #place: Place
  readonly #args: ValidatedExecutionArgs
  constructor(field: PlannedField, place: Place, args: ValidatedExecutionArgs) {
    this.#field = field
    this.#place = place
    this.#args = args
  }
  get fieldName() { return this.#field.name }
  get fieldNodes() { return this.#field.nodes }
  get returnType() { return this.#field.definition.type }
  get parentType() { return this.#field.parentType }
  get path() { return pathTo(this.#place, this.#field.key, this.#field.parentType.name) }
  get schema() { return this.#args.schema }
  get fragments() { return this.#args.fragmentDefinitions }
  get rootValue() { return this.#args.rootValue }
  get operation() { return this.#args.operation }
  get variableValues() { return this.#args.variableValues }
  readonly getAbortSignal = noSignal
  readonly getAsyncHelpers = helpersOf
}

export class Run {
  readonly #args: ValidatedExecutionArgs
  readonly #errors: Array<GraphQLError> = []
  /** Values that are late. */
  #awaited = 0
  readonly #done = Promise.withResolvers<void>()

  constructor(args: ValidatedExecutionArgs) {
    this.#args = args
  }

  /** Answers at once where no field is late. */
  answer(fields: ReadonlyArray<PlannedField>): Answer | Promise<Answer> {
    const root: { data: Holder | null } = { data: null }
    const place = { holder: root as Holder, key: "data", parent: undefined, nullable: true, typename: undefined, gone: false }
    this.#fill(fields, this.#args.rootValue, place)
    const finished = (): Answer => (this.#errors.length === 0 ? { data: root.data } : { errors: this.#errors, data: root.data })
    return this.#awaited === 0 ? finished() : this.#done.promise.then(finished)
  }

  #fill(fields: ReadonlyArray<PlannedField>, source: unknown, place: Place): void {
    const object: Holder = {}
    place.holder[place.key] = object
    for (const field of fields) {
      const { key, shape } = field
      // Its place in the order, whenever its value comes.
      object[key] = null
      try {
        const value = this.#valueOf(field, source, place)
        if (shape._tag === "leaf" && isPlain(value)) object[key] = leafOf(value, shape.type)
        else this.#put(value, { field, shape, holder: object, key, parent: place })
      } catch (error) {
        this.#fail(error, { field, shape, holder: object, key, parent: place })
      }
    }
  }

  #valueOf(field: PlannedField, source: unknown, place: Place): unknown {
    const { contextValue, fieldResolver, variableValues } = this.#args
    const { resolve } = field.definition
    if (resolve === undefined && fieldResolver === defaultFieldResolver && typeof source === "object" && source !== null) {
      const value = (source as Holder)[field.name]
      if (typeof value !== "function") return value
    }
    return (resolve ?? fieldResolver)(source, field.argumentsOf(variableValues), contextValue, this.#info(field, place))
  }

  #put(value: unknown, spot: Spot): void {
    if (isPromise(value)) this.#later(value, spot, (known) => this.#complete(known, spot))
    else this.#complete(value, spot)
  }

  #info(field: PlannedField, place: Place): GraphQLResolveInfo {
    return new Info(field, place, this.#args)
  }

  #later(value: Promised, spot: Spot, go: (known: unknown) => void): void {
    this.#awaited += 1
    const settle = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        this.#fail(error, spot)
      }
      this.#awaited -= 1
      if (this.#awaited === 0) this.#done.resolve()
    }
    const come = (known: unknown): void => settle(() => { if (!isGone(spot.parent)) go(known) })
    const fail = (error: unknown): void => settle(() => this.#fail(error, spot))
    value.then(come, fail)
  }

  #complete(value: unknown, spot: Spot): void {
    const { shape } = spot
    if (value instanceof Error) throw value
    if (value === null || value === undefined) {
      if (!shape.nullable) throw new Error(`Cannot return null for non-nullable field ${spot.field.parentType.name}.${spot.field.name}.`)
      spot.holder[spot.key] = null
      return
    }
    switch (shape._tag) {
      case "leaf":
        spot.holder[spot.key] = leafOf(value, shape.type)
        return
      case "list":
        return this.#completeList(value, shape.item, spot)
      case "object":
        return this.#completeObject(value, shape.type, shape.fields, spot)
      case "abstract": {
        const { fieldsOf, resolveType, type } = shape
        const complete = (name: unknown): void => {
          const found = this.#typeNamed(name, value, type, spot)
          this.#completeObject(value, found, fieldsOf(found), spot)
        }
        const name = resolveType(value, this.#args.contextValue, this.#info(spot.field, spot.parent), type)
        return isPromise(name) ? this.#later(name, spot, complete) : complete(name)
      }
    }
  }

  #completeList(value: unknown, item: Shape, spot: Spot): void {
    const { field } = spot
    if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) {
      throw new GraphQLError(`Expected Iterable, but did not find one for field "${field.parentType.name}.${field.name}".`)
    }
    const items: Array<unknown> = []
    const place = placeOf(spot)
    spot.holder[spot.key] = items
    let index = 0
    for (const one of value as Iterable<unknown>) {
      const itemSpot: Spot = { field, shape: item, holder: items as unknown as Holder, key: index, parent: place }
      items.push(null)
      index += 1
      try {
        this.#put(one, itemSpot)
      } catch (error) {
        this.#fail(error, itemSpot)
      }
    }
  }

  #completeObject(value: unknown, type: GraphQLObjectType, fields: ReadonlyArray<PlannedField>, spot: Spot): void {
    const fill = (is: unknown): void => {
      if (is !== true) throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, { nodes: spot.field.nodes })
      this.#fill(fields, value, placeOf(spot))
    }
    const is = type.isTypeOf?.(value, this.#args.contextValue, this.#info(spot.field, spot.parent)) ?? true
    return isPromise(is) ? this.#later(is, spot, fill) : fill(is)
  }

  #typeNamed(name: unknown, value: unknown, type: GraphQLAbstractType, { field: { name: fieldName, nodes, parentType } }: Spot): GraphQLObjectType {
    const { schema } = this.#args
    const found = typeof name === "string" ? schema.getType(name) : undefined
    if (isObjectType(found) && schema.isSubType(type, found)) return found
    throw new GraphQLError(`Abstract type "${type.name}" must resolve to an Object type of it at runtime for field "${parentType.name}.${fieldName}" with value ${inspect(value)}, received ${inspect(name)}.`, { nodes })
  }

  /** Nulls what can be null, the field itself or the nearest thing around it. */
  #fail(error: unknown, { field, holder, key, parent, shape }: Spot): void {
    if (isGone(parent)) return
    this.#errors.push(locatedError(error, field.nodes, [...keysOf(parent), key]))
    if (shape.nullable) {
      holder[key] = null
      return
    }
    let place = parent
    while (!place.nullable && place.parent !== undefined) place = place.parent
    place.holder[place.key] = null
    place.gone = true
  }
}
