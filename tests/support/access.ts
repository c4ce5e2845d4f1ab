/** A server that asks who somebody is, and keys for it. */
import { Redacted } from "effect"
import type { TestServer } from "./testServer.ts"

export const adminKey = "the-admin-key-of-these-tests-0123456789"
export const keysRequired = { auth: "keys", adminKey: Redacted.make(adminKey), jwt: undefined } as const

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export interface MadeKey {
  readonly token: string
  readonly id: string
  readonly prefix: string
}

/** A key with these scopes, made with the admin's. */
export const makeKey = async (server: Pick<TestServer, "graphql">, scopes: ReadonlyArray<string>, expiresAt?: Date): Promise<MadeKey> => {
  const { data } = await server.graphql(
    `mutation ($scopes: [ApiKeyScope!]!, $expiresAt: DateTime) {
      apiKeyCreate(name: "a test", scopes: $scopes, expiresAt: $expiresAt) { ... on ApiKeyCreateSuccess { token apiKey { id prefix } } }
    }`,
    { scopes, expiresAt: expiresAt?.toISOString() },
    bearer(adminKey)
  )
  const { apiKey, token } = data.apiKeyCreate
  return { token, ...apiKey }
}

export const revokeKey = (server: Pick<TestServer, "graphql">, id: string) =>
  server.graphql(`mutation ($id: ID!) { apiKeyRevoke(id: $id) { __typename ... on ApiKeyRevokeSuccess { id } ... on NotFoundError { id message } } }`, { id }, bearer(adminKey))
