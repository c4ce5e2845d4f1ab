import { Migration } from "@mikro-orm/migrations"

/** What retries, takeovers and estimates need to know of a stage, and which logs have been shortened. */
export class JobControl extends Migration {
  override up(): void {
    this.addSql(`alter table job_stage add column failures int not null default 0, add column losses int not null default 0`)
    this.addSql(`alter table job add column log_shortened boolean not null default false`)
    this.addSql(`create index job_finished_index on job (kind, finished_at desc)`)
    this.addSql(`create index job_long_log_index on job (finished_at) where finished_at is not null and not log_shortened`)
  }

  override down(): void {
    this.addSql(`drop index job_long_log_index`)
    this.addSql(`drop index job_finished_index`)
    this.addSql(`alter table job drop column log_shortened`)
    this.addSql(`alter table job_stage drop column failures, drop column losses`)
  }
}
