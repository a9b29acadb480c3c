-- Webhooks: where an account is told of its uploads, what it is told there, and every try at telling it ------------------------------------

-- The secrets lie here as they are, since a signature is made with them. Until `previous_until` the one before signs too.
create table webhooks (
    id               uuid primary key,
    account_id       uuid not null references accounts on delete cascade,
    url              text not null,
    description      text,
    events           text[] not null,
    enabled          boolean not null default true,
    disabled_reason  text check (disabled_reason in ('gone', 'failing')),
    secret           bytea not null,
    previous_secret  bytea,
    previous_until   timestamptz,
    -- When the first try failed after which none went well.
    failing_since    timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now()
);

create index webhooks_account on webhooks (account_id, created_at, id);

-- `message_id` is made of the event, so that an event read twice is one delivery and a receiver knows a repeat. What is erased with the
-- upload is all that was ever told of it. While a sender has a delivery in hand, it has a `lease` and is not due before the lease ends.
create table webhook_deliveries (
    id           uuid primary key,
    webhook_id   uuid not null references webhooks on delete cascade,
    message_id   uuid not null,
    type         text not null,
    upload_id    uuid references uploads on delete cascade,
    body         text not null,
    state        text not null check (state in ('pending', 'delivered', 'failed')),
    -- Tries ever, and since it was last begun with.
    attempts     integer not null default 0,
    tries        integer not null default 0,
    due_at       timestamptz not null,
    lease        uuid,
    created_at   timestamptz not null,
    unique (webhook_id, message_id)
);

create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where state = 'pending';
create index webhook_deliveries_listed on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_upload on webhook_deliveries (upload_id);
create index webhook_deliveries_old on webhook_deliveries (created_at) where state <> 'pending';

create table webhook_attempts (
    delivery_id       uuid not null references webhook_deliveries on delete cascade,
    number            integer not null,
    at                timestamptz not null,
    duration_seconds  double precision not null,
    status            integer,
    error             text,
    answer            text,
    primary key (delivery_id, number)
);
