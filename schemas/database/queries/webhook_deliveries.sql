-- What webhooks are told, and the tries at telling it.

-- name: accounts_with_webhooks
select distinct account_id from webhooks where account_id = any(%(account_ids)s);

-- name: insert_webhook_deliveries
-- One for each webhook that wants to know: nothing for an upload that was erased, nor for a webhook that was made after it happened, by
-- clocks that differ by up to a minute. Where the webhook is disabled the delivery has failed already, and may be replayed later.
insert into webhook_deliveries (id, webhook_id, message_id, type, upload_id, body, state, due_at, created_at)
select gen_random_uuid(), w.id, %(message_id)s, %(type)s::text, u.id, %(body)s, case when w.enabled then 'pending' else 'failed' end, %(now)s, %(now)s
from (select id from uploads where id = %(upload_id)s for key share) u
join webhooks w on w.account_id = %(account_id)s
where %(type)s = any(w.events) and w.created_at <= %(occurred_at)s + interval '1 minute'
on conflict (webhook_id, message_id) do nothing
returning id;

-- name: insert_webhook_test
insert into webhook_deliveries (id, webhook_id, message_id, type, body, state, due_at, created_at)
values (%(id)s, %(webhook_id)s, %(message_id)s, %(type)s, %(body)s, 'pending', now(), now());

-- name: claim_webhook_deliveries
-- Those that are due, first of the accounts of which the least is being sent, then the oldest; of each webhook only so many at a time, and
-- of one that fails only one: neither a receiver that is slow or away nor an account with many of them holds up any other. A claimed
-- delivery is due again when its lease is over, should the sender die. No lock outlives this statement.
with busy as (
    select w.id, w.account_id, w.url, w.secret, case when w.previous_until > %(now)s then w.previous_secret end as previous_secret,
           case when w.failing_since is null then %(most_of_each)s else 1 end as most,
           (select count(*) from webhook_deliveries l
            where l.webhook_id = w.id and l.state = 'pending' and l.lease is not null and l.due_at > %(now)s) as held
    from webhooks w
    where w.enabled and w.giving_up_at is null and exists (
        select from webhook_deliveries d where d.webhook_id = w.id and d.state = 'pending' and d.due_at <= %(now)s
    )
), due as (
    select d.id, b.url, b.secret, b.previous_secret
    from (select *, sum(held) over (partition by account_id) as held_by_account from busy) b
    cross join lateral (
        select id, due_at from webhook_deliveries
        where webhook_id = b.id and state = 'pending' and due_at <= %(now)s
        order by due_at, id limit greatest(b.most - b.held, 0)
        for update skip locked
    ) d
    order by b.held_by_account, d.due_at limit %(most)s
)
update webhook_deliveries d set lease = %(lease)s, due_at = %(now)s + %(lease_time)s
from due where d.id = due.id
returning d.id, d.webhook_id, d.message_id, d.body, d.tries, d.lease, due.url, due.secret, due.previous_secret;

-- name: record_webhook_attempt
-- No row where the lease is another's by now, or the delivery is gone with what it tells of.
with done as (
    update webhook_deliveries
    set state = %(state)s, tries = tries + 1, attempts = attempts + 1, due_at = %(due_at)s, lease = null
    where id = %(id)s and lease = %(lease)s
    returning id, attempts
)
insert into webhook_attempts (delivery_id, number, at, duration_seconds, status, error, answer)
select id, attempts, %(at)s, %(duration_seconds)s, %(status)s, %(error)s, %(answer)s from done returning number;

-- name: webhook_goes_well
update webhooks set failing_since = null where id = %(id)s and failing_since is not null;

-- name: webhook_fails
update webhooks set failing_since = %(at)s where id = %(id)s and failing_since is null;

-- name: give_up_webhook_deliveries
-- Of one webhook that was disabled, some; of those in a sender's hand the end is told by the sender. Where there are no more, that is noted,
-- and a webhook that was enabled again meanwhile is told of what is new.
with one as (
    select id, giving_up_at from webhooks
    where giving_up_at is not null and (%(webhook_id)s::uuid is null or id = %(webhook_id)s)
    order by giving_up_at limit 1 for no key update skip locked
), batch as (
    select d.id from one join webhook_deliveries d on d.webhook_id = one.id
    where d.state = 'pending' and was_given_up(d, one.giving_up_at, %(now)s)
    limit %(most)s for update of d
), noted as (
    update webhooks set giving_up_at = null from one
    where webhooks.id = one.id and (select count(*) from batch) < %(most)s
), given_up as (
    update webhook_deliveries d set state = 'failed' from batch where d.id = batch.id
)
select id from one;

-- name: give_up_held_webhook_deliveries
-- What a sender that has died had in hand of webhooks that are disabled: nobody claims those, so that it would wait for ever. The lease
-- stays, should the sender be only slow: what it records then is what has happened.
with disabled as (
    select id from webhooks w
    where not w.enabled and w.giving_up_at is null and exists (
        select from webhook_deliveries d where d.webhook_id = w.id and d.state = 'pending' and d.due_at <= %(now)s
    )
    for no key update skip locked
), batch as (
    select d.id from disabled join webhook_deliveries d on d.webhook_id = disabled.id
    where d.state = 'pending' and d.due_at <= %(now)s
    limit %(most)s for update of d
)
update webhook_deliveries d set state = 'failed' from batch where d.id = batch.id;

-- name: oldest_due_webhook_delivery
select min(d.due_at) as due_at from webhooks w cross join lateral (
    select due_at from webhook_deliveries where webhook_id = w.id and state = 'pending' order by due_at limit 1
) d where w.enabled and w.giving_up_at is null;

-- name: webhook_deliveries
select d.id, d.message_id, d.type, d.upload_id, stands.state, d.attempts, d.created_at, d.body,
       case when stands.state = 'pending' and d.lease is null then d.due_at end as next_attempt_at,
       coalesce((
           select jsonb_agg(a order by a.number desc)
           from (
               select number, at, duration_seconds, status, error, answer from webhook_attempts
               where delivery_id = d.id order by number desc limit %(most_attempts)s
           ) a
       ), '[]') as newest_attempts
from webhook_deliveries d
join webhooks w on w.id = d.webhook_id
cross join lateral (select case when was_given_up(d, w.giving_up_at, now()) then 'failed' else d.state end as state) stands
where d.webhook_id = %(webhook_id)s
  and (%(id)s::uuid is null or d.id = %(id)s)
  and (%(states)s::text[] is null or stands.state = any(%(states)s))
  and (%(after_time)s::timestamptz is null or (d.created_at, d.id) < (%(after_time)s, %(after_id)s::uuid))
order by d.created_at desc, d.id desc limit %(most)s;

-- name: replay_webhook_delivery
-- Begun with anew; one that waits for its next try is tried at once, one that is being tried is left alone.
update webhook_deliveries set state = 'pending', tries = 0, due_at = now(), lease = null
where webhook_id = %(webhook_id)s and id = %(id)s and not (state = 'pending' and lease is not null and due_at > now());

-- name: replay_webhook_failures
-- Some, the oldest first, and how far that went.
with failed as (
    select d.id from webhook_deliveries d join webhooks w on w.id = d.webhook_id
    where d.webhook_id = %(webhook_id)s and d.created_at >= %(since)s and (d.state = 'failed' or was_given_up(d, w.giving_up_at, now()))
    order by d.created_at limit %(most)s for update of d
), replayed as (
    update webhook_deliveries d set state = 'pending', tries = 0, due_at = now(), lease = null from failed
    where d.id = failed.id returning d.created_at
)
select count(*) as replayed, max(created_at) as newest from replayed;

-- name: forget_webhook_deliveries
delete from webhook_deliveries
where id in (select id from webhook_deliveries where state <> 'pending' and created_at < %(before)s limit %(most)s for update skip locked);

-- name: purge_webhook_deliveries
-- Of webhooks that were deleted, with the tries.
delete from webhook_deliveries
where id in (
    select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id
    where w.account_id is null limit %(most)s for update of d skip locked
)
returning id;
