-- What both PostgreSQL and Kafka must know.

-- name: insert_outbox
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values (%(event_id)s, %(aggregatetype)s, %(aggregateid)s, %(type)s, %(payload)s, %(headers)s)
on conflict (id) do nothing;

-- name: next_outbox
-- Forgets what the broker has and reads what comes after it: one statement a batch. It still sees the rows that it deletes.
with published as (
    delete from outbox where id = any(%(published)s)
)
select id, aggregatetype, aggregateid, payload::text as payload, headers, created_at from outbox
where id <> all(%(published)s) order by position limit %(most)s;
