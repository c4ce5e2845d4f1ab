/**
 * Failures are summed up by the minute and by the hour, both in one statement, so that they never differ. Hours are those of
 * UTC whatever the session's time zone, so that all nodes mean the same.
 */
const sums = "code, stage, provider, count, unhandled, recovered, recovery_ms, last_seen_at, sample_job_id"

/** Each value comes to the same in whichever order the nodes write, and whether minutes or hours are added up. */
const add = (table: string, unit: "minute" | "hour") => `
  insert into ${table} as f (${unit}, ${sums})
  select date_trunc('${unit}', last_seen_at, 'UTC'), ${sums} from told
  on conflict (${unit}, code, stage, provider) do update set
    count = f.count + excluded.count, unhandled = f.unhandled + excluded.unhandled, recovered = f.recovered + excluded.recovered,
    recovery_ms = f.recovery_ms + excluded.recovery_ms, sample_job_id = greatest(f.sample_job_id, excluded.sample_job_id),
    last_seen_at = case
      when (f.count > 0) = (excluded.count > 0) then greatest(f.last_seen_at, excluded.last_seen_at)
      when excluded.count > 0 then excluded.last_seen_at
      else f.last_seen_at
    end`

/** Adds sums to those of the present minute and hour: arrays of code, stage, provider, count, unhandled, recovered, recovery_ms, job id. */
export const addSql = `
  with told as materialized (
    select t.code, t.stage, t.provider, t.count, t.unhandled, t.recovered, t.recovery_ms, now.at as last_seen_at, t.job_id as sample_job_id
    from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::float8[], $8::uuid[])
        as t (code, stage, provider, count, unhandled, recovered, recovery_ms, job_id),
      (select clock_timestamp()::timestamptz(3) as at) as now
    -- All nodes in the same order, so that no two wait for each other.
    order by t.code, t.stage, t.provider
  ), hours as (${add("failure_hour", "hour")}
  )${add("failure_minute", "minute")}`

/** All sums since the beginning of a minute, in as few rows as may be: of whole hours, and of the minutes before the first of them. */
export const sumsSince = (minute: string) => {
  const firstHour = `date_trunc('hour', ${minute} + interval '59 minutes', 'UTC')`
  return `(
    select ${sums} from failure_hour where hour >= ${firstHour}
    union all
    select ${sums} from failure_minute where minute >= ${minute} and minute < ${firstHour}
  )`
}

/** One row a group, and one without a code where there is none, which still tells the times. */
export const reportSql = `
  with span as (
    select now.at as "to", date_trunc('minute', now.at - make_interval(secs => $1)) as "from" from (select clock_timestamp()::timestamptz(3) as at) as now
  ), found as (
    select code, stage, provider, sum(count)::int as count, sum(unhandled)::int as unhandled, sum(recovered)::int as recovered,
      sum(recovery_ms) as recovery_ms,
      coalesce(max(last_seen_at) filter (where count > 0), max(last_seen_at)) as last_seen_at,
      -- Ids grow with time: the greatest is the newest.
      max(sample_job_id::text)::uuid as sample_job_id
    from span, lateral ${sumsSince('span."from"')} as f group by code, stage, provider
  )
  select span."from", span."to", found.* from span left join found on true order by found.count desc nulls last, found.code, found.stage, found.provider`

/** Sums are kept as long as the longest window that a report may ask for: 35 days, whatever becomes of the clocks meanwhile. */
const kept = "date_trunc('minute', clock_timestamp()::timestamptz(3) - interval '840 hours')"
export const forgetSql = `
  with hours as (delete from failure_hour where hour < ${kept})
  delete from failure_minute where minute < ${kept}`
