import { Schema } from "effect"

/** Who asks is not known. `message` says to the client what to show instead. Not a member of any union: the whole request fails. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", { message: Schema.String }) {}
