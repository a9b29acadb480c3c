-- Sessions.

-- name: insert_session
insert into sessions (id, account_id, token_sha256, address, user_agent, expires_at)
values (%(id)s, %(account_id)s, %(token_sha256)s, %(address)s, %(user_agent)s, now() + %(lifetime)s)
returning id, created_at, last_used_at, expires_at, address, user_agent;

-- name: session_by_token
select sessions.id, account_id, last_used_at < now() - interval '1 minute' as use_is_news
from sessions join accounts on accounts.id = account_id and closed_at is null
where token_sha256 = %(token_sha256)s and expires_at > now() and last_used_at > now() - %(idle)s;

-- name: touch_session
update sessions set last_used_at = now() where id = %(id)s;

-- name: account_sessions
select id, created_at, last_used_at, expires_at, address, user_agent from sessions
where account_id = %(account_id)s and expires_at > now() and last_used_at > now() - %(idle)s
order by last_used_at desc, id;

-- name: end_session
delete from sessions where id = %(id)s and account_id = %(account_id)s returning id;

-- name: end_session_by_token
delete from sessions where token_sha256 = %(token_sha256)s;

-- name: end_other_sessions
delete from sessions where account_id = %(account_id)s and id is distinct from %(kept)s::uuid returning id;

-- name: purge_sessions
delete from sessions where id in (
    select id from sessions where expires_at < now() or last_used_at < now() - %(idle)s::interval limit %(most)s for update skip locked
)
returning id;

-- name: end_oldest_sessions
delete from sessions where id in (
    select id from sessions where account_id = %(account_id)s order by last_used_at desc offset %(most)s
);

-- name: ended_sessions
select asked.id from unnest(%(ids)s::uuid[]) as asked(id) left join sessions s using (id)
where s.id is null or s.expires_at <= now() or s.last_used_at <= now() - %(idle)s;
