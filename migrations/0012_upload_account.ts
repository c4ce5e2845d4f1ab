import { Migration } from "@mikro-orm/migrations"

/** Whose a resumable upload is, so that nobody begins too many. Of those from before nobody knows; they expire. */
export class UploadAccount extends Migration {
  override up(): void {
    this.addSql(`alter table upload add column account text not null default ''`)
  }

  override down(): void {
    this.addSql(`alter table upload drop column account`)
  }
}
