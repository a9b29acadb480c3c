-- Erasing ----------------------------------------------------------------------------------------------------------------------------

-- A tombstone has no payload.
alter table outbox alter column payload drop not null;

-- What was erased, in numbers: whoever has the id, which nobody guesses, may read it, also when the account is gone.
create table receipts (
    id            uuid primary key,
    kind          text not null check (kind in ('upload', 'account')),
    asked_at      timestamptz not null default now(),
    finished_at   timestamptz,
    forgotten_by  timestamptz not null,
    uploads       integer not null default 0,
    objects       integer not null default 0,
    tombstones    integer not null default 0
);

-- Objects that are still to be deleted: one, or all below a prefix that ends in a slash.
create table object_erasures (
    id          bigint primary key generated always as identity,
    receipt_id  uuid not null references receipts,
    bucket      text not null,
    key         text not null,
    due_at      timestamptz not null default now()
);

create index object_erasures_due on object_erasures (due_at);
create index object_erasures_receipt on object_erasures (receipt_id);

-- Accounts that are closed, and whose uploads are being erased.
create table account_erasures (
    account_id  uuid primary key references accounts on delete cascade,
    receipt_id  uuid not null references receipts
);
