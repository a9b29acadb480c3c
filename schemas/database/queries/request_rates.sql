-- How often accounts ask: leaky buckets as in throttles.sql, from which many requests are taken at once.

-- name: take_requests
-- As many as there are of those that are asked for; one request leaks in each `interval`, and a `window` of them fills the bucket.
insert into request_rates as r (account_id, empty_at, granted)
values (%(account_id)s, now() + %(asked)s * %(interval)s::interval, %(asked)s)
on conflict (account_id) do update
set granted = least(%(asked)s, room_for_requests(r.empty_at, %(window)s, %(interval)s)),
    empty_at = greatest(r.empty_at, now()) + least(%(asked)s, room_for_requests(r.empty_at, %(window)s, %(interval)s)) * %(interval)s::interval
returning granted, extract(epoch from greatest(empty_at - now(), interval '0'))::float8 as filled;

-- name: purge_request_rates
delete from request_rates
where account_id in (select account_id from request_rates where empty_at < now() limit %(most)s for update skip locked)
returning account_id;
