-- Accounts.

-- name: insert_account
insert into accounts (id, name) values (%(id)s, %(name)s) on conflict (name) do nothing returning id;

-- name: account_by_name
select id from accounts where name = %(name)s;

-- name: accounts
select a.id, a.name, a.created_at, count(k.id) filter (where k.revoked_at is null and coalesce(k.expires_at > now(), true)) as keys
from accounts a left join api_keys k on k.account_id = a.id
group by a.id order by a.name;
