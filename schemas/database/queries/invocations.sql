-- Calls of the endpoint.

-- name: begin_invocation
-- Only for an attempt that is in work: the lock lets nobody cancel or erase it before the call is recorded.
with upload as (
    select id from uploads
    where id = %(upload_id)s and attempt = %(attempt)s and is_in_work(status, failure)
    for share
)
insert into invocations (upload_id, attempt, state, next_check_at, traceparent)
select id, %(attempt)s, 'calling', now() + make_interval(secs => %(check_after)s), %(traceparent)s from upload
on conflict do nothing
returning upload_id;

-- name: invocation
-- No row for an attempt that is not in work; no state where nobody has called for it.
select i.state
from uploads u
left join invocations i on i.upload_id = u.id and i.attempt = u.attempt
where u.id = %(upload_id)s and u.attempt = %(attempt)s and is_in_work(u.status, u.failure);

-- name: repeat_invocation
update invocations set calls = calls + 1, called_at = now()
where upload_id = %(upload_id)s and attempt = %(attempt)s and state = 'calling'
  and called_at < now() - make_interval(secs => %(older_than)s)
returning upload_id;

-- name: record_invocation
update invocations
set output_location = %(output)s, failure_location = %(failure)s, state = case state when 'calling' then 'called' else state end
where upload_id = %(upload_id)s and attempt = %(attempt)s
returning upload_id;

-- name: finish_invocations
update invocations set state = 'finished'
where (upload_id, attempt) in (select * from unnest(%(upload_ids)s::uuid[], %(attempts)s::integer[]));

-- name: forget_invocation
-- A call that was made before this one may have been accepted: its row stays.
delete from invocations where upload_id = %(upload_id)s and attempt = %(attempt)s and state = 'calling' and calls = 1;

-- name: due_invocations
update invocations
set checks = checks + 1, next_check_at = now() + make_interval(secs => least(%(check_after)s * 2 ^ least(checks, 10), 900))
where (upload_id, attempt) in (
    select upload_id, attempt from invocations
    where state <> 'finished' and next_check_at <= now()
    order by next_check_at limit %(most)s for update skip locked
)
returning upload_id, attempt, output_location, failure_location, traceparent, extract(epoch from now() - called_at)::float8 as age;
