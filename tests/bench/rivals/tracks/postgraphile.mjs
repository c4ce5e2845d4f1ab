/** PostGraphile as it comes (its preset Amber), over Playhead's tables. */
import { createServer } from "node:http"
import { postgraphile } from "postgraphile"
import { PostGraphileAmberPreset } from "postgraphile/presets/amber"
import { makePgService } from "postgraphile/adaptors/pg"
import { grafserv } from "postgraphile/grafserv/node"
import { announce } from "./library.mjs"

const server = createServer()
await postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: process.env["DATABASE_URL"], schemas: ["public"], poolConfig: { max: 10 } })],
  grafserv: { graphiql: false, watch: false }
}).createServ(grafserv).addTo(server)
server.listen(0, "127.0.0.1", () => announce(server.address().port))
