-- Links by which somebody shows that an address is theirs.

-- name: insert_email_verification
insert into email_verifications (token_sha256, account_id, expires_at)
select %(token_sha256)s, id, now() + %(lifetime)s from accounts
where id = %(account_id)s and email is not null and email_verified_at is null and closed_at is null
returning account_id;

-- name: use_email_verification
-- Only for whoever is signed in to the account: the link proves the address, the session that it is the account's own owner who has it.
with used as (
    delete from email_verifications where token_sha256 = %(token_sha256)s and account_id = %(account_id)s and expires_at > now()
    returning account_id
)
update accounts set email_verified_at = now() from used where id = used.account_id and email_verified_at is null and closed_at is null
returning id;

-- name: end_email_verifications
delete from email_verifications where account_id = %(account_id)s;

-- name: purge_email_verifications
delete from email_verifications
where token_sha256 in (select token_sha256 from email_verifications where expires_at < now() limit %(most)s for update skip locked)
returning account_id;
