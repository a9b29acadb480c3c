-- Keys of accounts.

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

-- name: api_keys
select k.id, a.name as account, k.last_four, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
from api_keys k join accounts a on a.id = k.account_id
where %(account)s::text is null or a.name = %(account)s
order by a.name, k.created_at;
