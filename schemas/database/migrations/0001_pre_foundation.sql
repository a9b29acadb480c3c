-- Accounts and keys -------------------------------------------------------------------------------------------------------------------

create table accounts (
    id          uuid primary key,
    name        text not null unique,
    created_at  timestamptz not null default now()
);

create table api_keys (
    id             text primary key,
    account_id     uuid not null references accounts on delete cascade,
    secret_sha256  bytea not null,
    last_four      text not null,
    scopes         text[] not null,
    created_at     timestamptz not null default now(),
    expires_at     timestamptz,
    revoked_at     timestamptz,
    last_used_at   timestamptz
);

create index api_keys_account on api_keys (account_id);

-- Uploads and their statuses ----------------------------------------------------------------------------------------------------------

create table uploads (
    id              uuid primary key,
    account_id      uuid not null references accounts on delete cascade,
    file_name       text,
    content_type    text,
    declared_bytes  bigint,
    bucket          text not null,
    key             text not null,
    etag            text,
    options         jsonb not null,
    media           jsonb,
    attempt         integer not null,
    status          text not null,
    sequence        integer not null,
    failure         jsonb,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

create index uploads_account on uploads (account_id, created_at desc, id desc);

create table upload_statuses (
    upload_id    uuid not null references uploads on delete cascade,
    sequence     integer not null,
    attempt      integer not null,
    status       text not null,
    failure      jsonb,
    occurred_at  timestamptz not null,
    primary key (upload_id, sequence)
);

create function status_rank(status text) returns integer language sql immutable strict as $$
    select case status
        when 'created' then 0
        when 'uploading' then 1
        when 'received' then 2
        when 'validated' then 3
        when 'analysing' then 4
        else 5
    end
$$;

-- The one way an upload changes its status. Returns no row where the change is late, repeated or about an unknown upload.
-- A dead-lettered upload has failed until its record is redriven: then it may still come to an end.
create function apply_status(p_upload_id uuid, p_attempt integer, p_status text, p_failure jsonb)
returns table (account_id uuid, sequence integer, occurred_at timestamptz) language plpgsql as $$
declare
    upload uploads;
    old_rank integer;
begin
    select * into upload from uploads where id = p_upload_id for update;
    if not found then
        return;
    end if;
    old_rank := status_rank(upload.status);
    if upload.status = 'failed' and upload.failure ->> 'code' = 'dead_lettered' and p_failure ->> 'code' is distinct from 'dead_lettered' then
        old_rank := status_rank('analysing');
    end if;
    if p_attempt < upload.attempt
        or (p_attempt = upload.attempt and status_rank(p_status) <= old_rank)
        or (p_attempt > upload.attempt and (status_rank(upload.status) < 5 or status_rank(p_status) < 2))
    then
        return;
    end if;
    return query
        with changed as (
            update uploads u
            set attempt = p_attempt, status = p_status, sequence = u.sequence + 1, failure = p_failure, updated_at = clock_timestamp()
            where u.id = p_upload_id
            returning u.account_id, u.sequence, u.updated_at
        ), recorded as (
            insert into upload_statuses (upload_id, sequence, attempt, status, failure, occurred_at)
            select p_upload_id, c.sequence, p_attempt, p_status, p_failure, c.updated_at from changed c
        )
        select c.account_id, c.sequence, c.updated_at from changed c;
end
$$;

-- What both PostgreSQL and Kafka must know --------------------------------------------------------------------------------------------

-- Debezium's column names, so that its connector can take the relay's place. `aggregatetype` is the topic, `aggregateid` the key.
create table outbox (
    id             uuid primary key,
    aggregatetype  text not null,
    aggregateid    text not null,
    type           text not null,
    payload        jsonb not null,
    headers        jsonb not null,
    created_at     timestamptz not null default clock_timestamp(),
    position       bigint generated always as identity
);

create index outbox_position on outbox (position);

create function notify_outbox() returns trigger language plpgsql as $$
begin
    notify outbox;
    return null;
end
$$;

create trigger outbox_inserted after insert on outbox for each statement execute function notify_outbox();

-- Inference and its results -----------------------------------------------------------------------------------------------------------

create table invocations (
    upload_id         uuid not null references uploads on delete cascade,
    attempt           integer not null,
    state             text not null check (state in ('calling', 'called', 'finished')),
    output_location   text,
    failure_location  text,
    calls             integer not null default 1,
    called_at         timestamptz not null default now(),
    checks            integer not null default 0,
    next_check_at     timestamptz not null,
    primary key (upload_id, attempt)
);

create index invocations_unfinished on invocations (next_check_at) where state <> 'finished';

create table analyses (
    upload_id   uuid not null references uploads on delete cascade,
    attempt     integer not null,
    document    jsonb not null,
    created_at  timestamptz not null default now(),
    primary key (upload_id, attempt)
);

create table usage (
    upload_id        uuid not null,
    attempt          integer not null,
    account_id       uuid not null references accounts on delete cascade,
    media_seconds    double precision not null,
    compute_seconds  double precision not null,
    created_at       timestamptz not null default now(),
    primary key (upload_id, attempt)
);

create index usage_account on usage (account_id, created_at);

-- Dead letters: each record that could not be processed, byte for byte ----------------------------------------------------------------

create table dead_letters (
    id                bigint generated always as identity primary key,
    topic             text not null,
    kafka_partition   integer not null,
    kafka_offset      bigint not null,
    record_key        bytea,
    record_value      bytea,
    header_names      bytea[] not null,
    header_values     bytea[] not null,
    stage             text not null,
    reason            text not null,
    error             text not null,
    upload_id         uuid,
    attempt           integer,
    dead_lettered_at  timestamptz not null,
    redriven_at       timestamptz,
    unique (topic, kafka_partition, kafka_offset)
);
