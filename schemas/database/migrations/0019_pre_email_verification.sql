-- Since when it is known that the address of an account is its owner's; null as long as anybody may have typed it.
alter table accounts add column email_verified_at timestamptz;

create table email_verifications (
    token_sha256  bytea primary key,
    account_id    uuid not null references accounts on delete cascade,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null
);

create index email_verifications_account on email_verifications (account_id);
