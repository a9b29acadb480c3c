-- What a receipt is for, thing by thing: rows by their table, objects by their place, tombstones by their topic.
create table receipt_items (
    receipt_id  uuid not null references receipts,
    position    bigint generated always as identity,
    kind        text not null,
    name        text not null,
    number      integer not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (receipt_id, position)
);

-- The digest of the items, once nothing more comes.
alter table receipts add column sha256 text;

-- What receipts are signed with: made once, here, and read by nobody but the API.
create table receipt_key (
    one     boolean primary key default true check (one),
    secret  bytea not null
);

insert into receipt_key (secret) values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
