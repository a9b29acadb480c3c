-- Records that could not be processed.

-- name: insert_dead_letter
insert into dead_letters (topic, kafka_partition, kafka_offset, record_key, record_value, header_names, header_values, stage, reason,
                          error, upload_id, attempt, dead_lettered_at)
values (%(topic)s, %(kafka_partition)s, %(kafka_offset)s, %(record_key)s, %(record_value)s, %(header_names)s, %(header_values)s,
        %(stage)s, %(reason)s, %(error)s, %(upload_id)s, %(attempt)s, %(dead_lettered_at)s)
on conflict (topic, kafka_partition, kafka_offset) do nothing;

-- name: list_dead_letters
select id, topic, stage, reason, error, upload_id, attempt, dead_lettered_at, redriven_at from dead_letters
where (%(all)s or redriven_at is null) and id > %(after)s
order by id limit %(most)s;

-- name: dead_letter
select * from dead_letters where id = %(id)s;

-- name: redriven_dead_letter
update dead_letters set redriven_at = now() where id = %(id)s;
