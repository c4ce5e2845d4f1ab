import { Migration } from "@mikro-orm/migrations"

/** Which request a job comes from, so that its log lines and its traces, on whichever node, can be found from there. */
export class JobOrigin extends Migration {
  override up(): void {
    this.addSql(`alter table job add column request_id text, add column traceparent text`)
  }

  override down(): void {
    this.addSql(`alter table job drop column request_id, drop column traceparent`)
  }
}
