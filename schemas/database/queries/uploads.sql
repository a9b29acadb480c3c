-- Uploads and their statuses.

-- name: insert_upload
with uploaded as (
    insert into uploads (id, account_id, file_name, content_type, declared_bytes, bucket, key, etag, options, attempt, status, sequence,
                         created_at, part_size, sha256)
    select %(id)s, accounts.id, %(file_name)s::text, %(content_type)s::text, %(declared_bytes)s::bigint, %(bucket)s::text, %(key)s::text,
           %(etag)s::text, %(options)s, %(attempt)s, %(status)s::text, 1, %(occurred_at)s, %(part_size)s::bigint, %(sha256)s::bytea
    from accounts where accounts.id = %(account_id)s and closed_at is null
    on conflict (id) do nothing
    returning id, attempt, status, created_at
), recorded as (
    insert into upload_statuses (upload_id, sequence, attempt, status, occurred_at)
    select id, 1, attempt, status, created_at from uploaded
), published as (
    insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
    select %(event_id)s, %(aggregatetype)s::text, %(aggregateid)s::text, %(type)s::text, %(payload)s::jsonb, %(headers)s from uploaded
    on conflict (id) do nothing
)
select refuse_erased(id) as id from uploaded;

-- name: upload
select * from uploads where id = %(id)s;

-- name: apply_status
select account_id, sequence, occurred_at from apply_status(%(upload_id)s, %(attempt)s, %(status)s, %(failure)s);

-- name: set_media
-- No row for an attempt that was cancelled or erased meanwhile: it holds nothing of the plan. Nothing refused is a row of nulls.
with described as (
    update uploads set media = %(media)s, etag = %(etag)s, declared_bytes = coalesce(declared_bytes, %(bytes)s)
    where id = %(id)s and attempt = %(attempt)s and is_in_work(status, failure)
    returning id
)
select refused, most, taken from described left join lateral reserve_usage(described.id, %(attempt)s, %(seconds)s) on true;

-- name: lock_upload
select account_id, attempt, status, multipart_id, updated_at, claim from uploads where id = %(id)s for update;

-- name: take_claim
update uploads set claim = %(claim)s, writing_until = clock_timestamp() + %(lease)s
where id = %(id)s and status in ('created', 'uploading') and (claim is null or writing_until < clock_timestamp())
returning id;

-- name: take_over_claim
update uploads set claim = %(claim)s, writing_until = clock_timestamp() + %(lease)s
where id = %(id)s and status in ('expired', 'cancelled') and writing_until < clock_timestamp() - %(finishes)s::interval
returning id;

-- name: renew_claim
update uploads set writing_until = clock_timestamp() + %(lease)s where id = %(id)s and claim = %(claim)s returning id;

-- name: release_claim
update uploads set claim = null, writing_until = null where id = %(id)s and claim = %(claim)s;

-- name: give_up_claim
update uploads set claim = null where id = %(id)s and claim = %(claim)s and status in ('created', 'uploading');

-- name: announce_writing
-- No row where the upload was erased, or another process is writing the same. `alone` where S3 has finished what was announced before: only then
-- may the mark go with the end of what it stands for.
with before as (select id, writing_until from uploads where id = %(id)s for update)
update uploads set writing_until = clock_timestamp() + %(lease)s
from before where uploads.id = before.id and (before.writing_until is null or before.writing_until < clock_timestamp())
returning uploads.writing_until, coalesce(before.writing_until < clock_timestamp() - %(finishes)s::interval, true) as alone;

-- name: end_writing
-- Unless somebody else has begun to write since.
update uploads set writing_until = null where id = %(id)s and writing_until = %(until)s;

-- name: received_content
select exists (select from upload_statuses where upload_id = %(upload_id)s and status = 'received') as came;

-- name: set_multipart
update uploads set multipart_id = %(multipart_id)s where id = %(id)s;

-- name: forget_multipart
update uploads set multipart_id = null where id = %(id)s and multipart_id = %(multipart_id)s;

-- name: touch_unsent_upload
update uploads set updated_at = now() where id = %(id)s and status in ('created', 'uploading');

-- name: lock_unsent
-- Uploads of one account are announced, and begin to be put together, one after the other.
select pg_advisory_xact_lock(hashtextextended('unsent ' || %(account_id)s::text, 0));

-- name: unsent
-- What S3 holds or will hold; of an upload of unknown size nothing until its parts begin to come, and then as much as any may have.
select count(*) as uploads,
       coalesce(sum(coalesce(declared_bytes, case when multipart_id is null then 0 else %(most_bytes)s::bigint end)), 0)::bigint as bytes
from uploads where account_id = %(account_id)s and status in ('created', 'uploading');

-- name: lapsed_claims
-- Of uploads that ended before their content came: S3 may have something of them.
select id from uploads where writing_until < clock_timestamp() - %(finishes)s::interval and status in ('expired', 'cancelled')
order by writing_until limit %(most)s;

-- name: abandoned_uploads
select id from uploads where status in ('created', 'uploading') and updated_at < %(before)s order by updated_at limit %(most)s;

-- name: account_upload
select u.*, (select compute_seconds from usage where usage.upload_id = u.id and usage.attempt = u.attempt) as compute_seconds
from uploads u where id = %(id)s and account_id = %(account_id)s;

-- name: snapshot_uploads
with u as (
    (select * from uploads where account_id = %(account_id)s and status_rank(status) < 5 order by created_at desc, id desc limit %(most)s)
    union
    (select * from uploads where account_id = %(account_id)s order by created_at desc, id desc limit %(recent)s)
)
select u.*, (select compute_seconds from usage where usage.upload_id = u.id and usage.attempt = u.attempt) as compute_seconds
from u order by created_at desc, id desc;

-- name: upload_statuses
select sequence, attempt, status, failure, occurred_at from upload_statuses
where upload_id = %(upload_id)s and sequence > %(after)s order by sequence;
