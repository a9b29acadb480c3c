-- Every query of Valence, by name. A name is followed by its statement, up to the next name.

-- name: insert_account
insert into accounts (id, name) values (%(id)s, %(name)s) on conflict (name) do nothing returning id;

-- name: account_by_name
select id from accounts where name = %(name)s;

-- name: insert_upload
with uploaded as (
    insert into uploads (id, account_id, file_name, content_type, declared_bytes, bucket, key, etag, options, attempt, status, sequence,
                         created_at)
    select %(id)s, accounts.id, %(file_name)s::text, %(content_type)s::text, %(declared_bytes)s::bigint, %(bucket)s::text, %(key)s::text,
           %(etag)s::text, %(options)s, %(attempt)s, %(status)s::text, 1, %(occurred_at)s
    from accounts where accounts.id = %(account_id)s
    on conflict (id) do nothing
    returning id, attempt, status, created_at
), recorded as (
    insert into upload_statuses (upload_id, sequence, attempt, status, occurred_at)
    select id, 1, attempt, status, created_at from uploaded
), published as (
    insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
    select %(event_id)s, %(aggregatetype)s::text, %(aggregateid)s::text, %(type)s::text, %(payload)s::jsonb, %(headers)s from uploaded
)
select id from uploaded;

-- name: upload
select * from uploads where id = %(id)s;

-- name: apply_status
select account_id, sequence, occurred_at from apply_status(%(upload_id)s, %(attempt)s, %(status)s, %(failure)s);

-- name: set_media
update uploads set media = %(media)s, etag = %(etag)s, declared_bytes = coalesce(declared_bytes, %(bytes)s) where id = %(id)s;

-- name: insert_outbox
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values (%(event_id)s, %(aggregatetype)s, %(aggregateid)s, %(type)s, %(payload)s, %(headers)s)
on conflict (id) do nothing;

-- name: oldest_outbox
select id, aggregatetype, aggregateid, payload::text as payload, headers, created_at from outbox order by position limit %(most)s;

-- name: delete_outbox
delete from outbox where id = any(%(ids)s);

-- name: begin_invocation
insert into invocations (upload_id, attempt, state, next_check_at)
values (%(upload_id)s, %(attempt)s, 'calling', now() + make_interval(secs => %(check_after)s))
on conflict do nothing
returning upload_id;

-- name: invocation
select state, extract(epoch from now() - called_at)::float8 as age from invocations where upload_id = %(upload_id)s and attempt = %(attempt)s;

-- name: repeat_invocation
update invocations set calls = calls + 1, called_at = now()
where upload_id = %(upload_id)s and attempt = %(attempt)s and state = 'calling'
  and called_at < now() - make_interval(secs => %(older_than)s)
returning upload_id;

-- name: record_invocation
update invocations
set output_location = %(output)s, failure_location = %(failure)s, state = case state when 'calling' then 'called' else state end
where upload_id = %(upload_id)s and attempt = %(attempt)s;

-- name: finish_invocations
update invocations set state = 'finished'
where (upload_id, attempt) in (select * from unnest(%(upload_ids)s::uuid[], %(attempts)s::integer[]));

-- name: forget_invocation
-- A call that was made before this one may have been accepted: its row stays.
delete from invocations where upload_id = %(upload_id)s and attempt = %(attempt)s and state = 'calling' and calls = 1;

-- name: due_invocations
update invocations
set checks = checks + 1, next_check_at = now() + make_interval(secs => least(%(check_after)s * 2 ^ least(checks, 10), 900))
where (upload_id, attempt) in (
    select upload_id, attempt from invocations
    where state <> 'finished' and next_check_at <= now()
    order by next_check_at limit %(most)s for update skip locked
)
returning upload_id, attempt, output_location, failure_location, extract(epoch from now() - called_at)::float8 as age;

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

-- name: insert_dead_letter
insert into dead_letters (topic, kafka_partition, kafka_offset, record_key, record_value, header_names, header_values, stage, reason,
                          error, upload_id, attempt, dead_lettered_at)
values (%(topic)s, %(kafka_partition)s, %(kafka_offset)s, %(record_key)s, %(record_value)s, %(header_names)s, %(header_values)s,
        %(stage)s, %(reason)s, %(error)s, %(upload_id)s, %(attempt)s, %(dead_lettered_at)s)
on conflict (topic, kafka_partition, kafka_offset) do nothing;

-- name: list_dead_letters
select id, topic, stage, reason, error, upload_id, attempt, dead_lettered_at, redriven_at from dead_letters
where (%(all)s or redriven_at is null) and id > %(after)s
order by id limit %(most)s;

-- name: dead_letter
select * from dead_letters where id = %(id)s;

-- name: redriven_dead_letter
update dead_letters set redriven_at = now() where id = %(id)s;

-- name: insert_api_key
insert into api_keys (id, account_id, secret_sha256, last_four, scopes, expires_at)
values (%(id)s, %(account_id)s, %(secret_sha256)s, %(last_four)s, %(scopes)s, %(expires_at)s);

-- name: api_key
select account_id, secret_sha256, scopes, revoked_at, expires_at, coalesce(expires_at <= now(), false) as expired,
       last_used_at is null or last_used_at < now() - interval '1 minute' as use_is_news
from api_keys where id = %(id)s;

-- name: touch_api_key
update api_keys set last_used_at = now() where id = %(id)s;

-- name: revoke_api_key
update api_keys set revoked_at = coalesce(revoked_at, now()) where id = %(id)s returning id;

-- name: account_upload
select * from uploads where id = %(id)s and account_id = %(account_id)s;

-- name: lock_upload
select attempt, status from uploads where id = %(id)s for update;

-- name: account_uploads
select * from uploads
where account_id = %(account_id)s
  and (%(statuses)s::text[] is null or status = any(%(statuses)s))
  and (%(after_time)s::timestamptz is null or (created_at, id) < (%(after_time)s, %(after_id)s::uuid))
order by created_at desc, id desc limit %(most)s;

-- name: snapshot_uploads
(select * from uploads where account_id = %(account_id)s and status_rank(status) < 5 order by created_at desc, id desc limit %(most)s)
union
(select * from uploads where account_id = %(account_id)s order by created_at desc, id desc limit %(recent)s)
order by created_at desc, id desc;

-- name: upload_statuses
select sequence, attempt, status, failure, occurred_at from upload_statuses
where upload_id = %(upload_id)s and sequence > %(after)s order by sequence;

-- name: analysis
select attempt, document from analyses
where upload_id = %(upload_id)s and (%(attempt)s::integer is null or attempt = %(attempt)s)
order by attempt desc limit 1;

-- name: reachable
select 1;

-- name: accounts
select a.id, a.name, a.created_at, count(k.id) filter (where k.revoked_at is null and coalesce(k.expires_at > now(), true)) as keys
from accounts a left join api_keys k on k.account_id = a.id
group by a.id order by a.name;

-- name: api_keys
select k.id, a.name as account, k.last_four, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
from api_keys k join accounts a on a.id = k.account_id
where %(account)s::text is null or a.name = %(account)s
order by a.name, k.created_at;
