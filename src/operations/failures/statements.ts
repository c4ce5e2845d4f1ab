/** Adds sums to those of the present minute: arrays of code, stage, provider, count, unhandled, recovered, recovery_ms, job id. */
export const addSql = `
  insert into failure_minute as f (minute, code, stage, provider, count, unhandled, recovered, recovery_ms, last_seen_at, sample_job_id)
  select date_trunc('minute', now.at), t.code, t.stage, t.provider, t.count, t.unhandled, t.recovered, t.recovery_ms, now.at, t.job_id
  from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::float8[], $8::uuid[])
      as t (code, stage, provider, count, unhandled, recovered, recovery_ms, job_id),
    (select clock_timestamp()::timestamptz(3) as at) as now
  on conflict (minute, code, stage, provider) do update set
    count = f.count + excluded.count, unhandled = f.unhandled + excluded.unhandled, recovered = f.recovered + excluded.recovered,
    recovery_ms = f.recovery_ms + excluded.recovery_ms, sample_job_id = coalesce(excluded.sample_job_id, f.sample_job_id),
    last_seen_at = case when excluded.count > 0 then excluded.last_seen_at else f.last_seen_at end`

/** One row a group, and one without a code where there is none, which still tells the times. */
export const reportSql = `
  with span as (
    select now.at as "to", date_trunc('minute', now.at - make_interval(secs => $1)) as "from" from (select clock_timestamp()::timestamptz(3) as at) as now
  ), found as (
    select code, stage, provider, sum(count)::int as count, sum(unhandled)::int as unhandled, sum(recovered)::int as recovered,
      sum(recovery_ms) as recovery_ms, max(last_seen_at) as last_seen_at,
      -- Ids grow with time: the greatest is the newest.
      max(sample_job_id::text)::uuid as sample_job_id
    from failure_minute, span where minute >= span."from" group by code, stage, provider
  )
  select span."from", span."to", found.* from span left join found on true order by found.count desc nulls last, found.code, found.stage, found.provider`

/** Sums are kept as long as the longest window that a report may ask for. */
export const forgetSql = `delete from failure_minute where minute < now() - interval '35 days'`
