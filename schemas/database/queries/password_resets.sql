-- Links by which a password is reset.

-- name: insert_password_reset
insert into password_resets (token_sha256, account_id, expires_at)
select %(token_sha256)s, id, now() + %(lifetime)s from accounts where lower(email) = lower(%(email)s) and closed_at is null
returning account_id;

-- name: account_of_reset
select a.id, a.email from password_resets r join accounts a on a.id = r.account_id
where r.token_sha256 = %(token_sha256)s and r.expires_at > now() and a.closed_at is null;

-- name: use_password_reset
delete from password_resets where token_sha256 = %(token_sha256)s and expires_at > now() returning account_id;

-- name: end_password_resets
delete from password_resets where account_id = %(account_id)s;

-- name: purge_password_resets
delete from password_resets
where token_sha256 in (select token_sha256 from password_resets where expires_at < now() limit %(most)s for update skip locked)
returning account_id;
