-- Plans, and what was used of them.

-- name: reserve_usage
select refused, most, taken from reserve_usage(%(upload_id)s, %(attempt)s, %(seconds)s);

-- name: usage
select a.plan, p.videos_a_month, p.minutes_a_month, this_month() as month,
       count(*) filter (where l.state = 'settled') as videos_used,
       count(*) filter (where l.state = 'reserved') as videos_reserved,
       coalesce(sum(l.seconds) filter (where l.state = 'settled'), 0) as seconds_used,
       coalesce(sum(l.seconds) filter (where l.state = 'reserved'), 0) as seconds_reserved
from accounts a
join plans p on p.name = a.plan
left join ledger l on l.account_id = a.id and l.month = this_month()
where a.id = %(account_id)s
group by a.id, p.name;

-- name: taken_of_limits
-- No row for an account without limits, whose ledger may be long and need not be summed.
select p.videos_a_month, p.minutes_a_month, count(l.upload_id) as videos, coalesce(sum(l.seconds), 0) as seconds
from accounts a
join plans p on p.name = a.plan and (p.videos_a_month is not null or p.minutes_a_month is not null)
left join ledger l on l.account_id = a.id and l.month = this_month() and l.state <> 'refunded'
where a.id = %(account_id)s
group by p.name;

-- name: month_compute_seconds
select coalesce(sum(compute_seconds), 0) as seconds from usage
where account_id = %(account_id)s and created_at >= this_month() at time zone 'utc';

-- name: plans
select p.name, p.videos_a_month, p.minutes_a_month, count(a.id) as accounts
from plans p left join accounts a on a.plan = p.name and a.closed_at is null group by p.name order by p.name;

-- name: define_plan
insert into plans (name, videos_a_month, minutes_a_month) values (%(name)s, %(videos)s, %(minutes)s)
on conflict (name) do update set videos_a_month = excluded.videos_a_month, minutes_a_month = excluded.minutes_a_month;

-- name: set_plan
update accounts set plan = %(plan)s where id = %(account_id)s;
