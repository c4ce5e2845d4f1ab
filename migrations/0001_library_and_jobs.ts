import { Migration } from "@mikro-orm/migrations"

/** The library (tracks, their files, waveforms and fingerprints) and the jobs with their stages and logs. */
export class LibraryAndJobs extends Migration {
  override up(): void {
    this.addSql(`create table track (
      id uuid not null,
      status text not null,
      source_kind text not null,
      source_url text null,
      source_filename text null,
      title text not null,
      artist text null,
      album text null,
      album_artist text null,
      genres text[] not null default '{}',
      year int null,
      track_number int null,
      tags text[] not null default '{}',
      language text null,
      music_brainz_id text null,
      duration_ms int null,
      sample_rate_hz int null,
      channels int null,
      codec text null,
      container text null,
      bitrate_bps int null,
      size_bytes bigint null,
      content_hash text null,
      integrated_lufs double precision null,
      true_peak_dbtp double precision null,
      range_lu double precision null,
      metadata_quality real null,
      version int not null default 1,
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null,
      primary key (id),
      constraint track_status_check check (status in ('PENDING', 'PROCESSING', 'READY', 'FAILED')),
      constraint track_source_kind_check check (source_kind in ('UPLOAD', 'URL', 'FILE', 'VIDEO_PAGE', 'GENERATED')),
      constraint track_title_check check (char_length(title) >= 1 and char_length(title) <= 200)
    )`)
    this.addSql(`create index track_newest_index on track (created_at desc, id desc)`)
    this.addSql(`create index track_content_hash_index on track (content_hash)`)

    this.addSql(`create table blob (
      sha256 text not null,
      size_bytes bigint not null,
      created_at timestamptz(3) not null,
      primary key (sha256)
    )`)

    this.addSql(`create table job (
      id uuid not null,
      kind text not null,
      status text not null,
      priority smallint not null,
      track_id uuid null,
      attempt int not null default 0,
      options jsonb not null,
      failure jsonb null,
      degraded boolean not null default false,
      idempotency_key text null,
      input_hash text null,
      retry_of uuid null,
      progress real not null default 0,
      last_sequence int not null default 0,
      awaiting text null,
      resume_at timestamptz(3) null,
      cancel_requested_at timestamptz(3) null,
      node text null,
      created_at timestamptz(3) not null,
      started_at timestamptz(3) null,
      finished_at timestamptz(3) null,
      updated_at timestamptz(3) not null,
      primary key (id),
      constraint job_idempotency_key_unique unique (idempotency_key),
      constraint job_track_id_foreign foreign key (track_id) references track (id) on delete set null,
      constraint job_retry_of_foreign foreign key (retry_of) references job (id) on delete set null,
      constraint job_kind_check check (kind in ('IMPORT', 'ENHANCE', 'SEPARATE', 'GENERATE', 'TRANSCRIBE', 'TRIM', 'TRANSCODE', 'LYRICS')),
      constraint job_status_check check (status in ('QUEUED', 'RUNNING', 'WAITING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
      constraint job_priority_check check (priority >= 0 and priority <= 2)
    )`)
    this.addSql(`create index job_status_index on job (status, created_at)`)
    this.addSql(`create index job_track_index on job (track_id, created_at desc)`)
    this.addSql(`create index job_newest_index on job (created_at desc, id desc)`)
    this.addSql(`create index job_retry_index on job (retry_of)`)

    this.addSql(`create table job_stage (
      job_id uuid not null,
      position smallint not null,
      name text not null,
      status text not null,
      progress real not null default 0,
      attempt int not null default 0,
      provider text null,
      quality text null,
      degraded_from text null,
      failure jsonb null,
      output jsonb null,
      started_at timestamptz(3) null,
      finished_at timestamptz(3) null,
      primary key (job_id, position),
      constraint job_stage_name_unique unique (job_id, name),
      constraint job_stage_job_id_foreign foreign key (job_id) references job (id) on delete cascade,
      constraint job_stage_name_check check (name in ('VALIDATE', 'DOWNLOAD', 'PROBE', 'METADATA', 'STORE', 'ANALYZE', 'FINGERPRINT', 'SEPARATE', 'DENOISE', 'NORMALIZE', 'TRIM', 'TRANSCODE', 'MEASURE', 'REQUEST', 'AWAIT_WEBHOOK', 'FETCH_RESULT', 'SPLIT', 'TRANSCRIBE', 'CHUNK', 'EMBED', 'LYRICS', 'FINALIZE')),
      constraint job_stage_status_check check (status in ('PENDING', 'RUNNING', 'SUCCEEDED', 'REUSED', 'SKIPPED', 'FAILED', 'CANCELLED')),
      constraint job_stage_quality_check check (quality in ('HIGH', 'MEDIUM', 'BASIC')),
      constraint job_stage_degraded_from_check check (degraded_from in ('HIGH', 'MEDIUM', 'BASIC'))
    )`)

    this.addSql(`create table job_event (
      job_id uuid not null,
      sequence int not null,
      kind text not null,
      stage text null,
      data jsonb not null default '{}',
      dedupe_key text not null,
      at timestamptz(3) not null,
      primary key (job_id, sequence),
      constraint job_event_dedupe_key_unique unique (job_id, dedupe_key),
      constraint job_event_job_id_foreign foreign key (job_id) references job (id) on delete cascade
    )`)

    this.addSql(`create table job_blob (
      job_id uuid not null,
      sha256 text not null,
      created_at timestamptz(3) not null,
      primary key (job_id, sha256),
      constraint job_blob_sha256_foreign foreign key (sha256) references blob (sha256)
    )`)
    this.addSql(`create index job_blob_blob_index on job_blob (sha256)`)

    this.addSql(`create table artifact (
      id uuid not null,
      track_id uuid not null,
      role text not null,
      sha256 text not null,
      media_type text not null,
      size_bytes bigint not null,
      filename text null,
      duration_ms int null,
      integrated_lufs double precision null,
      true_peak_dbtp double precision null,
      range_lu double precision null,
      quality text null,
      job_id uuid null,
      created_at timestamptz(3) not null,
      primary key (id),
      constraint artifact_track_id_foreign foreign key (track_id) references track (id) on delete cascade,
      constraint artifact_sha256_foreign foreign key (sha256) references blob (sha256),
      constraint artifact_job_id_foreign foreign key (job_id) references job (id) on delete set null,
      constraint artifact_role_check check (role in ('ORIGINAL', 'VOCALS', 'INSTRUMENTAL', 'ENHANCED', 'TRIMMED', 'TRANSCODED', 'GENERATED', 'COVER')),
      constraint artifact_quality_check check (quality in ('HIGH', 'MEDIUM', 'BASIC'))
    )`)
    this.addSql(`create index artifact_track_index on artifact (track_id, role)`)
    this.addSql(`create index artifact_blob_index on artifact (sha256)`)
    this.addSql(`create index artifact_job_index on artifact (job_id)`)

    this.addSql(`create table waveform (
      artifact_id uuid not null,
      samples_per_pixel int not null,
      sha256 text not null,
      primary key (artifact_id, samples_per_pixel),
      constraint waveform_artifact_id_foreign foreign key (artifact_id) references artifact (id) on delete cascade,
      constraint waveform_sha256_foreign foreign key (sha256) references blob (sha256)
    )`)
    this.addSql(`create index waveform_blob_index on waveform (sha256)`)

    this.addSql(`create table fingerprint (
      track_id uuid not null,
      duration_ms int not null,
      hashes int4[] not null,
      terms int4[] not null,
      confirmed boolean not null default false,
      primary key (track_id),
      constraint fingerprint_track_id_foreign foreign key (track_id) references track (id) on delete cascade
    )`)
    // Without the list of pending entries: hundreds of look-ups for each import would each read it from end to end.
    this.addSql(`create index fingerprint_terms_index on fingerprint using gin (terms) with (fastupdate = off)`)
  }

  override down(): void {
    this.addSql(`drop table fingerprint, waveform, artifact, job_blob, job_event, job_stage, job, blob, track`)
  }
}
