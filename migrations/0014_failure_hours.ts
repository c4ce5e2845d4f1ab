import { Migration } from "@mikro-orm/migrations"

/** Failures summed up by the hour, too: a report over a million of them then reads few rows. */
export class FailureHours extends Migration {
  override up(): void {
    this.addSql(`create table failure_hour (
      hour timestamptz(3) not null,
      code text not null,
      stage text not null,
      provider text not null,
      count int not null,
      unhandled int not null,
      recovered int not null,
      recovery_ms double precision not null,
      last_seen_at timestamptz(3) not null,
      sample_job_id uuid null,
      primary key (hour, code, stage, provider)
    )`)
    this.addSql(`insert into failure_hour
      select date_trunc('hour', minute, 'UTC'), code, stage, provider, sum(count), sum(unhandled), sum(recovered), sum(recovery_ms),
        coalesce(max(last_seen_at) filter (where count > 0), max(last_seen_at)), max(sample_job_id::text)::uuid
      from failure_minute group by 1, 2, 3, 4`)
  }

  override down(): void {
    this.addSql(`drop table failure_hour`)
  }
}
