/**
 * For MikroORM's own command line, as in `npx mikro-orm schema:update --dump`, which shows how far the entities are from a
 * PostgreSQL database at DATABASE_URL. The server does not read it.
 */
import { Migrator } from "@mikro-orm/migrations"
import { defineConfig } from "@mikro-orm/postgresql"
import { ormOptions } from "./src/persistence/engine.ts"

export default defineConfig({
  ...ormOptions,
  clientUrl: process.env["DATABASE_URL"] ?? "postgresql://localhost/playhead",
  extensions: [Migrator]
})
