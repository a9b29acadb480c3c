-- each statement by itself
-- Webhooks whose disabling has left something to give up. What an interrupted run has left of the index is made anew.
drop index concurrently if exists webhooks_giving_up;

create index concurrently webhooks_giving_up on webhooks (giving_up_at) where giving_up_at is not null;
