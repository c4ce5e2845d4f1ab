/** Mistakes of a client that `npm run types` finds: were one of them no error any more, its `@ts-expect-error` would be. */
import type { ResultOf, VariablesOf } from "gql.tada"
import { graphql } from "./client.ts"

const track = graphql(`query ($id: ID!) { track(id: $id) { title year } }`)

export const variables: VariablesOf<typeof track> = { id: "VHJhY2s6MQ" }

// @ts-expect-error an argument that is required
export const without: VariablesOf<typeof track> = {}

// @ts-expect-error null is possible, for there may be no such track
export const title = (answer: ResultOf<typeof track>): string => answer.track.title

// @ts-expect-error a field that was not asked for
export const artist = (answer: ResultOf<typeof track>) => answer.track?.artist

const unknownField = graphql(`query { health { mood } }`)

// @ts-expect-error a field that the schema does not have
export const mood = (answer: ResultOf<typeof unknownField>): string => answer.health.mood

const filtered = graphql(`query ($filter: TrackFilter) { tracks(filter: $filter) { totalCount } }`)

// @ts-expect-error a value that the enum does not have
export const asleep: VariablesOf<typeof filtered> = { filter: { status: ["ASLEEP"] } }
