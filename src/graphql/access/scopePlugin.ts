/**
 * `scope`, an option of every root field: what a viewer must be allowed to ask for it. tsc refuses a root field without
 * one; the engine refuses an operation that asks for more than its viewer may (see requiredScope.ts).
 */
import SchemaBuilder, { BasePlugin, type FieldNullability, type InputFieldMap, type PothosOutputFieldConfig, type SchemaTypes, type TypeParam } from "@pothos/core"
import type { Scope } from "../../domain/Viewer.ts"

interface ScopedField {
  /** READ sees, WRITE changes the library and starts work, ADMIN decides who may do what. */
  readonly scope: Scope
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the way to extend Pothos
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      scope: ScopePlugin<Types>
    }
    export interface QueryFieldOptions<
      Types extends SchemaTypes, Type extends TypeParam<Types>, Nullable extends FieldNullability<Type>, Args extends InputFieldMap, ResolveReturnShape
    > extends ScopedField {}
    export interface MutationFieldOptions<
      Types extends SchemaTypes, Type extends TypeParam<Types>, Nullable extends FieldNullability<Type>, Args extends InputFieldMap, ResolveReturnShape
    > extends ScopedField {}
    export interface SubscriptionFieldOptions<
      Types extends SchemaTypes, Type extends TypeParam<Types>, Nullable extends FieldNullability<Type>, Args extends InputFieldMap, ResolveShape, ResolveReturnShape
    > extends ScopedField {}
  }
}

class ScopePlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    return "scope" in field.pothosOptions ? { ...field, extensions: { ...field.extensions, scope: field.pothosOptions.scope } } : field
  }
}

export const scopePlugin = "scope"
SchemaBuilder.registerPlugin(scopePlugin, ScopePlugin)
