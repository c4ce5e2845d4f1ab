import { Migration } from "@mikro-orm/migrations"

/** Outgoing webhooks: who is told of what, and every message with its exact body. */
export class Webhooks extends Migration {
  override up(): void {
    this.addSql(`create table webhook_endpoint (
      id uuid not null,
      url text not null,
      topics text[] not null,
      secret text not null,
      enabled boolean not null default true,
      created_at timestamptz(3) not null,
      primary key (id)
    )`)
    this.addSql(`create table webhook_delivery (
      id uuid not null,
      endpoint_id uuid not null,
      topic text not null,
      body text not null,
      attempts int not null default 0,
      tries int not null default 0,
      http_status int null,
      next_attempt_at timestamptz(3) null,
      retry_until timestamptz(3) not null,
      delivered_at timestamptz(3) null,
      created_at timestamptz(3) not null,
      primary key (id),
      constraint webhook_delivery_endpoint_id_foreign foreign key (endpoint_id) references webhook_endpoint (id) on delete cascade,
      constraint webhook_delivery_topic_check check (topic in ('JOB_SUCCEEDED', 'JOB_FAILED', 'JOB_CANCELLED', 'INCIDENT_OPENED', 'INCIDENT_RESOLVED'))
    )`)
    this.addSql(`create index webhook_delivery_due_index on webhook_delivery (endpoint_id, next_attempt_at) where next_attempt_at is not null`)
    this.addSql(`create index webhook_delivery_newest_index on webhook_delivery (endpoint_id, created_at desc)`)
  }

  override down(): void {
    this.addSql(`drop table webhook_delivery`)
    this.addSql(`drop table webhook_endpoint`)
  }
}
