import { Migration } from "@mikro-orm/migrations"

/** Who may do what: API keys by their hashes, what media links are signed with, and how much each account has used. */
export class Access extends Migration {
  override up(): void {
    this.addSql(`create table api_key (
      id uuid not null,
      name text not null,
      prefix text not null,
      token_hash text not null,
      scopes text[] not null,
      created_at timestamptz(3) not null,
      last_used_at timestamptz(3) null,
      expires_at timestamptz(3) null,
      revoked_at timestamptz(3) null,
      primary key (id)
    )`)
    this.addSql(`alter table api_key add constraint api_key_prefix_unique unique (prefix)`)
    this.addSql(`create table signing_secret (
      purpose text not null,
      secret text not null,
      created_at timestamptz(3) not null,
      primary key (purpose)
    )`)
    this.addSql(`create table rate_limit (
      account text not null,
      full_at timestamptz(3) not null,
      primary key (account)
    )`)
    this.addSql(`create index rate_limit_full_index on rate_limit (full_at)`)
  }

  override down(): void {
    this.addSql(`drop table rate_limit`)
    this.addSql(`drop table signing_secret`)
    this.addSql(`drop table api_key`)
  }
}
