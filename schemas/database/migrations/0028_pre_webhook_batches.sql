-- What takes very many deliveries takes them some at a time. A webhook that belongs to no account is deleted: nobody sees it any more, and what is
-- left of it is purged. While `giving_up_at` is set, what waited then has failed, whether it says so yet or not.
alter table webhooks
    alter column account_id drop not null,
    add column giving_up_at  timestamptz;

-- Whether a delivery of a webhook that was disabled at `since` has failed by that: what a sender has in hand at `at` has not, nor what was begun
-- with anew since.
create function was_given_up(delivery webhook_deliveries, since timestamptz, at timestamptz) returns boolean language sql immutable as $$
    select delivery.state = 'pending' and since is not null
       and (delivery.lease is null or delivery.due_at <= at) and not (delivery.tries = 0 and delivery.due_at > since)
$$;
