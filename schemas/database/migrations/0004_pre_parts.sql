-- Uploads in parts: the size of every part but the last, S3's own name of what is being put together, and the digest of the whole file.

alter table uploads
    add column part_size     bigint,
    add column multipart_id  text,
    add column sha256        bytea;

-- Those that may have been abandoned.
create index uploads_unsent on uploads (updated_at) where status in ('created', 'uploading');

-- Answers to requests that a client may send again: `status` is null while the first is being worked on.
create table idempotency_keys (
    account_id      uuid not null references accounts on delete cascade,
    key             text not null,
    request_sha256  bytea not null,
    run             uuid not null,
    started_at      timestamptz not null default clock_timestamp(),
    status          integer,
    location        text,
    body            bytea,
    primary key (account_id, key)
);

create index idempotency_keys_started on idempotency_keys (started_at);
