-- What the place in the queue and the time that is left are computed from.

-- name: work_at_hand
-- One row a status, so that a long queue is read as three arrays and not as many rows.
select extract(epoch from clock_timestamp())::float8 as now,
       status_rank(status) as rank,
       array_agg(extract(epoch from updated_at)::float8) as since,
       array_agg(greatest(0, least(%(longest)s, (media ->> 'duration_seconds')::float8))) as media_seconds
from uploads where status in ('received', 'validated', 'analysing') group by status;

-- name: finished_of_late
-- An attempt's own statuses; the retry's are of another attempt.
select u.media_seconds,
       extract(epoch from min(s.occurred_at) filter (where s.status = 'received'))::float8 as received,
       extract(epoch from min(s.occurred_at) filter (where s.status = 'validated'))::float8 as validated,
       extract(epoch from min(s.occurred_at) filter (where s.status = 'analysing'))::float8 as analysing,
       extract(epoch from min(s.occurred_at) filter (where s.status = 'completed'))::float8 as completed
from (
    select upload_id, attempt, media_seconds from usage
    where created_at > now() - make_interval(secs => %(seconds)s) order by created_at desc limit %(most)s
) u join upload_statuses s using (upload_id, attempt)
group by u.upload_id, u.attempt, u.media_seconds
having count(*) filter (where s.status = 'completed') > 0;
