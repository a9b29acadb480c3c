-- Keys of accounts.

-- name: insert_api_key
insert into api_keys (id, account_id, name, secret_sha256, last_four, scopes, expires_at)
values (%(id)s, %(account_id)s, %(name)s, %(secret_sha256)s, %(last_four)s, %(scopes)s, %(expires_at)s)
returning id, name, last_four, scopes, created_at, expires_at, revoked_at, last_used_at;

-- name: api_key
select account_id, secret_sha256, scopes, revoked_at, expires_at, coalesce(expires_at <= now(), false) as expired,
       last_used_at is null or last_used_at < now() - interval '1 minute' as use_is_news
from api_keys join accounts on accounts.id = account_id and closed_at is null where api_keys.id = %(id)s;

-- name: touch_api_key
update api_keys set last_used_at = now() where id = %(id)s;

-- name: revoke_api_key
update api_keys set revoked_at = coalesce(revoked_at, now()) where id = %(id)s returning id, account_id;

-- name: api_keys
select k.id, coalesce(a.name, a.email) as account, k.last_four, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
from api_keys k join accounts a on a.id = k.account_id
where %(account)s::text is null or a.name = %(account)s or lower(a.email) = lower(%(account)s)
order by 2, k.created_at;

-- name: account_keys
select id, name, last_four, scopes, created_at, expires_at, revoked_at, last_used_at from api_keys
where account_id = %(account_id)s order by revoked_at desc nulls first, created_at desc, id limit 200;

-- name: count_working_keys
select count(*) as keys from api_keys where account_id = %(account_id)s and revoked_at is null and coalesce(expires_at > now(), true);

-- name: end_of_key
select expires_at from api_keys where id = %(id)s;

-- name: revoke_account_key
update api_keys set revoked_at = now() where id = %(id)s and account_id = %(account_id)s and revoked_at is null returning id;

-- name: revoke_unproved_keys
-- Those that were made while anybody may have been behind the address.
update api_keys set revoked_at = now()
where account_id = %(account_id)s and revoked_at is null and created_at <= coalesce(%(verified_at)s::timestamptz, now()) returning id;

-- name: account_has_key
select id from api_keys where id = %(id)s and account_id = %(account_id)s;

-- name: ended_keys
select asked.id from unnest(%(ids)s::text[]) as asked(id) left join api_keys k using (id)
where k.id is null or k.revoked_at is not null or k.expires_at <= now();
