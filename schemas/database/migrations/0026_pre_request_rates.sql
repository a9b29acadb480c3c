-- How often accounts ask, over all replicas of the API. Unlogged: after a crash of the server every account may ask as if it had not asked before.
create unlogged table request_rates (
    account_id  uuid primary key,
    empty_at    timestamptz not null,
    granted     integer not null
);

create index request_rates_empty on request_rates (empty_at);

create function room_for_requests(empty_at timestamptz, whole interval, each_request interval) returns integer language sql stable as $$
    select greatest(0, floor((extract(epoch from whole) - greatest(0, extract(epoch from empty_at - now()))) / extract(epoch from each_request)
                             + 0.001))::integer
$$;
