-- Webhooks as their owner makes and changes them.

-- name: insert_webhook
insert into webhooks (id, account_id, url, description, events, enabled, secret)
values (%(id)s, %(account_id)s, %(url)s, %(description)s, %(events)s, %(enabled)s, %(secret)s)
returning id, url, description, events, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at;

-- name: count_webhooks
select count(*) as webhooks from webhooks where account_id = %(account_id)s;

-- name: account_webhooks
select id, url, description, events, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at from webhooks
where account_id = %(account_id)s order by created_at, id;

-- name: account_webhook
select id, url, description, events, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at from webhooks
where id = %(id)s and account_id = %(account_id)s;

-- name: lock_webhook
-- Whoever changes deliveries of a webhook and the webhook itself locks the webhook first, so that no two wait for each other.
select id, enabled, failing_since from webhooks where id = %(id)s and account_id is not null for no key update;

-- name: change_webhook
-- Whoever enables a webhook again begins anew: it has not failed yet.
update webhooks
set url = %(url)s, description = %(description)s, events = %(events)s, enabled = %(enabled)s,
    disabled_reason = case when %(enabled)s then null else disabled_reason end,
    failing_since = case when %(enabled)s and not enabled then null else failing_since end,
    giving_up_at = case when enabled and not %(enabled)s then %(now)s else giving_up_at end,
    updated_at = now()
where id = %(id)s
returning id, url, description, events, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at;

-- name: rotate_webhook_secret
update webhooks
set previous_secret = secret, previous_until = now() + %(overlap)s, secret = %(secret)s, updated_at = now()
where id = %(id)s and account_id = %(account_id)s
returning id, url, description, events, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at;

-- name: delete_webhook
-- Nothing of it is seen or told any more; its deliveries may be very many, and are purged.
update webhooks
set account_id = null, enabled = false, url = '', description = null, secret = '', previous_secret = null, giving_up_at = null
where id = %(id)s and account_id = %(account_id)s returning id;

-- name: disable_webhook
update webhooks set enabled = false, disabled_reason = %(reason)s, giving_up_at = %(now)s, updated_at = %(now)s
where id = %(id)s and enabled returning account_id;

-- name: delete_unproved_webhooks
-- Those that were made while anybody may have been behind the account's address.
update webhooks
set account_id = null, enabled = false, url = '', description = null, secret = '', previous_secret = null, giving_up_at = null
where account_id = %(account_id)s and created_at <= coalesce(%(verified_at)s::timestamptz, now()) returning id;

-- name: purge_webhooks
-- Those that were deleted, once their deliveries are gone.
delete from webhooks
where id in (
    select id from webhooks w
    where account_id is null and not exists (select from webhook_deliveries d where d.webhook_id = w.id)
    limit %(most)s for update skip locked
)
returning id;
