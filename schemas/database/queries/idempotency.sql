-- Answers to requests that a client may send again.

-- name: begin_idempotent
insert into idempotency_keys (account_id, key, request_sha256, run)
values (%(account_id)s, %(key)s, %(request_sha256)s, %(run)s)
on conflict (account_id, key) do update
    set request_sha256 = excluded.request_sha256, run = excluded.run, started_at = clock_timestamp(), status = null, location = null, body = null
    where idempotency_keys.started_at < clock_timestamp() - %(kept)s::interval
       or (idempotency_keys.status is null and idempotency_keys.started_at < clock_timestamp() - %(lease)s::interval
           and idempotency_keys.request_sha256 = excluded.request_sha256)
returning run;

-- name: idempotent
select request_sha256, status, location, body from idempotency_keys where account_id = %(account_id)s and key = %(key)s;

-- name: keep_idempotent
update idempotency_keys set status = %(status)s, location = %(location)s, body = %(body)s
where account_id = %(account_id)s and key = %(key)s and run = %(run)s
returning key;

-- name: free_idempotent
delete from idempotency_keys where account_id = %(account_id)s and key = %(key)s and run = %(run)s and status is null;

-- name: purge_idempotent
delete from idempotency_keys
where (account_id, key) in (
    select account_id, key from idempotency_keys where started_at < now() - %(kept)s::interval limit %(most)s for update skip locked
)
returning key;
