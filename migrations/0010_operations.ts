import { Migration } from "@mikro-orm/migrations"

/** What operators are shown: circuits and budgets of providers, failures by the minute, incidents. */
export class Operations extends Migration {
  override up(): void {
    this.addSql(`create table provider_circuit (
      provider text not null,
      opened_at timestamptz(3) not null,
      open_until timestamptz(3) not null,
      closed_at timestamptz(3) null,
      primary key (provider)
    )`)
    this.addSql(`create table provider_usage (
      provider text not null,
      metric text not null,
      window_start timestamptz(3) not null,
      used double precision not null,
      primary key (provider, metric, window_start)
    )`)
    this.addSql(`create table failure_minute (
      minute timestamptz(3) not null,
      code text not null,
      stage text not null,
      provider text not null,
      count int not null,
      unhandled int not null,
      recovered int not null,
      recovery_ms double precision not null,
      last_seen_at timestamptz(3) not null,
      sample_job_id uuid null,
      primary key (minute, code, stage, provider)
    )`)
    this.addSql(`create table incident (
      id uuid not null,
      subject text not null,
      cause text not null,
      provider text null,
      opened_at timestamptz(3) not null,
      resolved_at timestamptz(3) null,
      error_count int not null,
      changed_at timestamptz(3) not null,
      primary key (id)
    )`)
    this.addSql(`create unique index incident_open_unique on incident (subject) where resolved_at is null`)
    this.addSql(`create index incident_opened_index on incident (opened_at)`)
    this.addSql(`create index job_ended_index on job (finished_at) where finished_at is not null`)
  }

  override down(): void {
    this.addSql(`drop index job_ended_index`)
    this.addSql(`drop table incident`)
    this.addSql(`drop table failure_minute`)
    this.addSql(`drop table provider_usage`)
    this.addSql(`drop table provider_circuit`)
  }
}
