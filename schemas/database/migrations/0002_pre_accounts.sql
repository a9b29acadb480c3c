-- Accounts of people: an address and a password beside the name that an operator gives ---------------------------------------------------

alter table accounts alter column name drop not null;
alter table accounts add column email text;
alter table accounts add column password_hash text;
alter table accounts add column closed_at timestamptz;
alter table accounts add constraint accounts_are_called_something check (name is not null or email is not null or closed_at is not null);

create unique index accounts_email on accounts (lower(email));

alter table api_keys add column name text;

-- Sessions: what a browser's cookie stands for. An ended session has no row.
create table sessions (
    id            uuid primary key,
    account_id    uuid not null references accounts on delete cascade,
    token_sha256  bytea not null unique,
    address       text,
    user_agent    text,
    created_at    timestamptz not null default now(),
    last_used_at  timestamptz not null default now(),
    expires_at    timestamptz not null
);

create index sessions_account on sessions (account_id);
create index sessions_end on sessions (expires_at);

create table password_resets (
    token_sha256  bytea primary key,
    account_id    uuid not null references accounts on delete cascade,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null
);

create index password_resets_account on password_resets (account_id);

-- Where somebody has signed in well before: there, strangers who guess elsewhere cannot lock them out.
create table familiar_addresses (
    account_id  uuid not null references accounts on delete cascade,
    address     text not null,
    seen_at     timestamptz not null default now(),
    primary key (account_id, address)
);

-- One row a subject that has been tried lately: a leaky bucket that is empty again at `empty_at`.
create table throttles (
    subject   text primary key,
    empty_at  timestamptz not null
);

create index throttles_empty on throttles (empty_at);

-- `account_id` is null where somebody tried an address that has no account.
create table audit (
    id          uuid primary key,
    account_id  uuid references accounts on delete cascade,
    at          timestamptz not null default clock_timestamp(),
    action      text not null,
    address     text,
    user_agent  text,
    key_id      text,
    session_id  uuid,
    detail      text
);

create index audit_account on audit (account_id, at desc, id desc);
create index audit_at on audit (at);
