import { defineEntity, type InferEntity, p } from "@mikro-orm/core"

/** What the nodes of an installation sign with, made by the first of them. */
export const SigningSecretEntity = defineEntity({
  name: "SigningSecret",
  tableName: "signing_secret",
  properties: {
    purpose: p.text().primary(),
    /** 32 bytes, base64url. */
    secret: p.text(),
    createdAt: p.datetime(3)
  }
})
export type SigningSecretEntity = InferEntity<typeof SigningSecretEntity>
