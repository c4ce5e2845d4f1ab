import { Migration } from "@mikro-orm/migrations"

/** Resumable uploads: what is known of each besides its bytes, which are in a file until they are all there. */
export class Uploads extends Migration {
  override up(): void {
    this.addSql(`create table upload (
      id uuid not null,
      size_bytes bigint not null,
      metadata jsonb not null default '{}',
      sha256 text null,
      created_at timestamptz(3) not null,
      expires_at timestamptz(3) not null,
      primary key (id)
    )`)
    this.addSql(`create index upload_expiry_index on upload (expires_at)`)
  }

  override down(): void {
    this.addSql(`drop table upload`)
  }
}
