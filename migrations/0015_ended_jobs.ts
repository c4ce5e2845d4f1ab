import { Migration } from "@mikro-orm/migrations"

/** How many jobs ended in a window is told by the index alone. */
export class EndedJobs extends Migration {
  override up(): void {
    this.addSql(`drop index job_ended_index`)
    this.addSql(`create index job_ended_index on job (finished_at, status) where finished_at is not null`)
  }

  override down(): void {
    this.addSql(`drop index job_ended_index`)
    this.addSql(`create index job_ended_index on job (finished_at) where finished_at is not null`)
  }
}
