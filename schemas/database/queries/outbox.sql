-- What both PostgreSQL and Kafka must know.

-- name: insert_outbox
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values (%(event_id)s, %(aggregatetype)s, %(aggregateid)s, %(type)s, %(payload)s, %(headers)s)
on conflict (id) do nothing;

-- name: oldest_outbox
select id, aggregatetype, aggregateid, payload::text as payload, headers, created_at from outbox order by position limit %(most)s;

-- name: delete_outbox
delete from outbox where id = any(%(ids)s);
