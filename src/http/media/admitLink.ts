import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import type { MediaLinks } from "../../access/MediaLinks.ts"
import { type Admission, bearerIn, NotAdmitted } from "../admission.ts"

/** Lets in who has a link that the API handed out, or shows a key that may read. */
export const admitLink = (admission: Admission, links: MediaLinks["Service"], request: IncomingMessage, target: URL): Effect.Effect<void, NotAdmitted> => {
  switch (links.check(target.pathname, target.searchParams)) {
    case "valid":
      return Effect.void
    case "unsigned":
      return Effect.asVoid(admission.admit(bearerIn(request.headers.authorization), "READ"))
    case "expired":
      return Effect.fail(new NotAdmitted("FORBIDDEN", 403, "This link has expired. Ask the API for the artifact's address again."))
    case "forged":
      return Effect.fail(new NotAdmitted("FORBIDDEN", 403, "The signature does not fit this address. Use links as the API gave them."))
  }
}
