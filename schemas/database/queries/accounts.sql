-- Accounts.

-- name: insert_account
insert into accounts (id, name) values (%(id)s, %(name)s) on conflict (name) do nothing returning id;

-- name: account_by_name
select id from accounts where (name = %(name)s or lower(email) = lower(%(name)s)) and closed_at is null
order by name = %(name)s desc nulls last limit 1;

-- name: accounts
select a.id, coalesce(a.name, a.email) as name, a.created_at, count(k.id) filter (where k.revoked_at is null and coalesce(k.expires_at > now(), true)) as keys
from accounts a left join api_keys k on k.account_id = a.id
where a.closed_at is null
group by a.id order by 2;

-- name: sign_up
insert into accounts (id, email, password_hash, plan) values (%(id)s, %(email)s, %(password_hash)s, %(plan)s)
on conflict (lower(email)) do nothing returning id, email, name, plan, created_at, email_verified_at;

-- name: account_by_email
select id, email, name, plan, created_at, email_verified_at, password_hash,
       exists (select from familiar_addresses f where f.account_id = accounts.id and f.address = %(address)s) as is_familiar
from accounts where lower(email) = lower(%(email)s) and closed_at is null;

-- name: account_by_id
select id, email, name, plan, created_at, email_verified_at, password_hash from accounts where id = %(id)s and closed_at is null;

-- name: remember_address
insert into familiar_addresses (account_id, address) values (%(account_id)s, %(address)s)
on conflict (account_id, address) do update set seen_at = now();

-- name: purge_addresses
delete from familiar_addresses where account_id = %(account_id)s and seen_at < now() - interval '90 days';

-- name: lock_password
-- Nobody changes the password, or closes the account, before the transaction ends; no row where somebody already has.
select id from accounts where id = %(id)s and password_hash = %(password_hash)s and closed_at is null for share;

-- name: change_password
-- No row where it was changed or reset, or the account closed, since the old one was checked.
update accounts set password_hash = %(password_hash)s
where id = %(id)s and password_hash = %(checked)s and closed_at is null returning id;

-- name: set_password
update accounts set password_hash = %(password_hash)s where id = %(id)s and closed_at is null returning id;

-- name: prove_email
-- Whoever has a link that went to the address has the address.
update accounts set email_verified_at = coalesce(email_verified_at, now()) where id = %(id)s;

-- name: invite
insert into accounts (id, email, plan) values (%(id)s, %(email)s, %(plan)s) on conflict (lower(email)) do nothing returning id;

-- name: lock_account
-- No row where it is closed; nobody closes it before the transaction ends.
select id, email, email_verified_at from accounts where id = %(id)s and closed_at is null for update;
