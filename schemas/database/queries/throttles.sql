-- Tries that are counted.

-- name: take_try
with taken as (
    insert into throttles as t (subject, empty_at) values (%(subject)s, clock_timestamp() + %(interval)s)
    on conflict (subject) do update set empty_at = greatest(t.empty_at, clock_timestamp()) + %(interval)s
    where greatest(t.empty_at, clock_timestamp()) + %(interval)s <= clock_timestamp() + %(burst)s
    returning empty_at
)
-- A row that others made since this statement began is not seen by it: they took all at once, and the next try comes an interval later.
select exists (select from taken) as taken,
       coalesce((select empty_at from throttles where subject = %(subject)s) + %(interval)s - %(burst)s - clock_timestamp(),
                %(interval)s) as wait;

-- name: give_try_back
update throttles set empty_at = empty_at - %(interval)s where subject = any(%(subjects)s);

-- name: purge_throttles
delete from throttles
where subject in (select subject from throttles where empty_at < now() limit %(most)s for update skip locked)
returning subject;
