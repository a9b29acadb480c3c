-- What was found.

-- name: keep_analysis
-- An attempt that has ended without an analysis keeps none that comes later; a dead-lettered one has failed only for now. The lock lets
-- nobody end the attempt meanwhile.
with upload as (
    select account_id from uploads u
    where id = %(upload_id)s
      and (attempt <> %(attempt)s or status = 'completed' or status_rank(status) < 5 or failure ->> 'code' = 'dead_lettered')
      and (attempt <= %(attempt)s or not has_ended_without(u.id, %(attempt)s))
    for share
), kept as (
    insert into analyses (upload_id, attempt, document)
    select %(upload_id)s, %(attempt)s, %(document)s from upload
    on conflict do nothing
    returning upload_id, attempt
), used as (
    insert into usage (upload_id, attempt, account_id, media_seconds, compute_seconds)
    select kept.upload_id, kept.attempt, upload.account_id, %(media_seconds)s, %(compute_seconds)s from kept, upload
), finished as (
    update invocations i set state = 'finished' from kept where i.upload_id = kept.upload_id and i.attempt = kept.attempt
)
select upload.account_id from kept, upload;

-- name: is_analysed
select attempt from analyses where upload_id = %(upload_id)s and attempt = %(attempt)s;

-- name: analysis
select attempt, document from analyses
where upload_id = %(upload_id)s and (%(attempt)s::integer is null or attempt = %(attempt)s)
order by attempt desc limit 1;

-- name: compute_durations
select count(*)::integer as analyses, avg(compute_seconds) as compute_seconds, avg(media_seconds) as media_seconds,
    percentile_cont(0.95) within group (order by compute_seconds) as slowest_seconds
from usage where created_at > now() - make_interval(days => %(days)s);
