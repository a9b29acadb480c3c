-- What happened to accounts.

-- name: insert_audit
insert into audit (id, account_id, action, address, user_agent, key_id, session_id, detail)
values (%(id)s, %(account_id)s, %(action)s, %(address)s, %(user_agent)s, %(key_id)s, %(session_id)s, %(detail)s);

-- name: insert_audit_once_an_hour
insert into audit (id, account_id, action, address, user_agent)
select %(id)s, %(account_id)s, %(action)s, %(address)s, %(user_agent)s
where not exists (
    select from audit
    where account_id is not distinct from %(account_id)s and action = %(action)s and at > now() - interval '1 hour'
);

-- name: account_audit
select id, at, action, address, user_agent, key_id, session_id, detail from audit
where account_id = %(account_id)s
  and (%(after_time)s::timestamptz is null or (at, id) < (%(after_time)s, %(after_id)s::uuid))
order by at desc, id desc limit %(most)s;

-- name: purge_audit
delete from audit
where id in (select id from audit where at < now() - interval '400 days' limit %(most)s for update skip locked)
returning id;
