-- Erasing uploads and accounts.

-- name: insert_receipt
insert into receipts (id, kind, forgotten_by) values (%(id)s, %(kind)s, now() + %(retention)s);

-- name: receipt
select id, kind, asked_at, finished_at, forgotten_by, uploads, objects, tombstones, sha256 from receipts where id = %(id)s;

-- name: receipt_items
select position, kind, name, number, at from receipt_items
where receipt_id = %(receipt_id)s and position > %(after)s order by position limit %(most)s;

-- name: receipt_objects
select name from receipt_items where receipt_id = %(receipt_id)s and kind = 'object' order by position desc limit %(most)s;

-- name: reappeared_rows
-- Uploads and accounts that a receipt says are gone, and that are there.
select i.kind, i.name from receipt_items i
where i.receipt_id = %(receipt_id)s
  and case i.kind
          when 'upload' then exists (select from uploads u where u.id = i.name::uuid)
          when 'account' then exists (select from accounts a where a.id = i.name::uuid and a.closed_at is null)
      end;

-- name: receipt_secret
select secret from receipt_key;

-- name: erase_upload
-- The objects first: what the chain has written is known by the rows that go. An answer that has not come yet is looked for again later,
-- and so is what S3 may be writing at this moment.
with upload as (
    select id, account_id, writing_until from uploads where id = %(id)s for update
), places as (
    select %(bucket)s::text as bucket, 'uploads/' || id || '/' as key, now() as due_at from upload
    union all select %(bucket)s, 'uploads/' || id || '/', writing_until + %(finishes)s from upload
    where writing_until + %(finishes)s > clock_timestamp()
    union all select %(bucket)s, 'jobs/' || id || '/', now() from upload
    union all
    select split_part(location, '/', 3), regexp_replace(location, '^s3://[^/]+/', ''), due.at
    from upload
    join invocations i on i.upload_id = upload.id
    cross join lateral (values (i.output_location), (i.failure_location)) as told (location)
    cross join lateral (values (now()), (case when i.state <> 'finished' then now() + %(later)s end)) as due (at)
    where location is not null and due.at is not null
), marked as (
    insert into erased_uploads (upload_id, account_id, receipt_id) select id, account_id, %(receipt_id)s from upload
), noted as (
    insert into object_erasures (receipt_id, bucket, key, due_at) select %(receipt_id)s, bucket, key, due_at from places
), listed as (
    insert into receipt_items (receipt_id, kind, name, number)
    select %(receipt_id)s, gone.kind, upload.id::text, gone.number
    from upload
    cross join lateral (values
        ('upload', 1::bigint),
        ('statuses', (select count(*) from upload_statuses s where s.upload_id = upload.id)),
        ('analyses', (select count(*) from analyses a where a.upload_id = upload.id)),
        ('invocations', (select count(*) from invocations i where i.upload_id = upload.id)),
        ('dead-letters', (select count(*) from dead_letters d where d.upload_id = upload.id)),
        ('webhook-deliveries', (select count(*) from webhook_deliveries w where w.upload_id = upload.id))
    ) as gone (kind, number)
    where gone.number > 0
    union all
    select %(receipt_id)s, 'tombstone', topic || '/' || upload.id, 1 from upload cross join unnest(%(topics)s::text[]) as topic
), refunded as (
    update ledger set state = 'refunded' from upload where ledger.upload_id = upload.id and state = 'reserved'
), forgotten as (
    delete from dead_letters using upload where dead_letters.upload_id = upload.id
), counted as (
    update receipts set uploads = uploads + 1, tombstones = tombstones + %(tombstones)s from upload where receipts.id = %(receipt_id)s
)
delete from uploads using upload where uploads.id = upload.id returning uploads.id;

-- name: erased_upload
select account_id, receipt_id from erased_uploads where upload_id = %(upload_id)s;

-- name: erase_later
-- Where a call that was under way when the upload was erased is going to write its answer; the receipt is open again.
with place as (
    insert into object_erasures (receipt_id, bucket, key, due_at)
    select receipt_id, %(bucket)s, %(key)s, now() + %(later)s from erased_uploads where upload_id = %(upload_id)s
    returning receipt_id
)
update receipts set finished_at = null, sha256 = null from place where receipts.id = place.receipt_id;

-- name: insert_tombstone
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values (%(id)s, %(topic)s, %(upload_id)s, 'tombstone', null, '{}') on conflict (id) do nothing;

-- name: close_account
update accounts set closed_at = now(), name = null, email = null, password_hash = null
where id = %(id)s and closed_at is null returning id;

-- name: forget_credentials
with sessions_gone as (
    delete from sessions where account_id = %(account_id)s
), keys_gone as (
    delete from api_keys where account_id = %(account_id)s
), resets_gone as (
    delete from password_resets where account_id = %(account_id)s
), webhooks_silenced as (
    update webhooks set enabled = false, url = '', description = null, secret = '', previous_secret = null where account_id = %(account_id)s
), verifications_gone as (
    delete from email_verifications where account_id = %(account_id)s
), addresses_gone as (
    delete from familiar_addresses where account_id = %(account_id)s
)
delete from audit where account_id = %(account_id)s;

-- name: list_account
-- Before its credentials are forgotten.
insert into receipt_items (receipt_id, kind, name, number)
select %(receipt_id)s, gone.kind, %(account_id)s::uuid::text, gone.number
from (values
    ('account', 1::bigint),
    ('sessions', (select count(*) from sessions where account_id = %(account_id)s)),
    ('keys', (select count(*) from api_keys where account_id = %(account_id)s)),
    ('webhooks', (select count(*) from webhooks where account_id = %(account_id)s)),
    ('audit-events', (select count(*) from audit where account_id = %(account_id)s))
) as gone (kind, number)
where gone.number > 0;

-- name: insert_account_erasure
insert into account_erasures (account_id, receipt_id) values (%(account_id)s, %(receipt_id)s);

-- name: next_account_erasure
select account_id, receipt_id from account_erasures limit 1 for update skip locked;

-- name: some_uploads
select id from uploads where account_id = %(account_id)s limit %(most)s;

-- name: forget_some_usage
-- What an account has used, and what its webhooks were told beside its uploads, stays as long as the account: of much it would take the
-- account's own statement too long.
with ledger_gone as (
    delete from ledger where (upload_id, attempt) in (select upload_id, attempt from ledger where account_id = %(account_id)s limit %(most)s)
    returning 1
), usage_gone as (
    delete from usage where (upload_id, attempt) in (select upload_id, attempt from usage where account_id = %(account_id)s limit %(most)s)
    returning 1
), deliveries_gone as (
    delete from webhook_deliveries
    where id in (
        select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id where w.account_id = %(account_id)s limit %(most)s
    )
    returning 1
)
select (select count(*) from ledger_gone) + (select count(*) from usage_gone) + (select count(*) from deliveries_gone) as gone;

-- name: delete_account
delete from accounts where id = %(id)s;

-- name: due_object_erasures
select id, receipt_id, bucket, key from object_erasures where due_at <= now() order by due_at, id limit %(most)s;

-- name: postpone_object_erasure
update object_erasures set due_at = now() + %(later)s where id = %(id)s;

-- name: note_object_erasure
-- Added to what was noted before, of which a part may be deleted already. No row where another has finished with the place.
update object_erasures set objects = array(select distinct name from unnest(objects || %(objects)s::text[]) as name order by name)
where id = %(id)s returning objects;

-- name: finish_object_erasure
with done as (
    delete from object_erasures where id = %(id)s returning receipt_id, objects
), listed as (
    insert into receipt_items (receipt_id, kind, name, number)
    select receipt_id, 'object', name, 1 from done cross join unnest(done.objects) as name
)
update receipts set objects = receipts.objects + cardinality(done.objects) from done where receipts.id = done.receipt_id;

-- name: finish_receipts
update receipts r
set finished_at = now(),
    sha256 = encode(sha256(convert_to(coalesce(
        (select string_agg(kind || ' ' || name || ' ' || number || E'\n', '' order by position) from receipt_items i where i.receipt_id = r.id), ''
    ), 'UTF8')), 'hex')
where id in (
    select id from receipts r
    where finished_at is null
      and not exists (select from object_erasures o where o.receipt_id = r.id)
      and not exists (select from account_erasures a where a.receipt_id = r.id)
    limit %(most)s for update skip locked
);
