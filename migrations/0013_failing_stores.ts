import { Migration } from "@mikro-orm/migrations"

/** Which nodes cannot use the database or the store of files, for incidents; of the database it is written when it is back. */
export class FailingStores extends Migration {
  override up(): void {
    this.addSql(`create table failing_store (
      node text not null,
      name text not null,
      failing_since timestamptz(3) not null,
      seen_at timestamptz(3) not null,
      primary key (node, name)
    )`)
  }

  override down(): void {
    this.addSql(`drop table failing_store`)
  }
}
