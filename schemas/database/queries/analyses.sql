-- What was found.

-- name: keep_analysis
with upload as (
    select account_id from uploads where id = %(upload_id)s
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

-- name: analysis
select attempt, document from analyses
where upload_id = %(upload_id)s and (%(attempt)s::integer is null or attempt = %(attempt)s)
order by attempt desc limit 1;
