-- Plans: what an account may have analysed in a calendar month of UTC; null is as much as it likes ------------------------------------------

create table plans (
    name             text primary key,
    videos_a_month   integer check (videos_a_month >= 0),
    minutes_a_month  integer check (minutes_a_month >= 0)
);

insert into plans (name, videos_a_month, minutes_a_month) values ('unlimited', null, null), ('free', 100, 300);

alter table accounts add column plan text not null default 'unlimited' references plans;

-- The ledger: one row for each attempt that counts, never more. No reference to the upload: what was used stays used when it is erased.
create table ledger (
    upload_id    uuid not null,
    attempt      integer not null,
    account_id   uuid not null references accounts on delete cascade,
    month        date not null,
    seconds      double precision not null default 0,
    state        text not null default 'reserved' check (state in ('reserved', 'settled', 'refunded')),
    reserved_at  timestamptz not null default now(),
    primary key (upload_id, attempt)
);

create index ledger_account on ledger (account_id, month) include (state, seconds);

create function this_month() returns date language sql stable as $$
    select date_trunc('month', now() at time zone 'utc')::date
$$;

-- Reserve a video, and its seconds where they are known, for an attempt; the same again changes nothing but the seconds. Returns a row
-- only where the plan refuses: what there is too little of, how much of it the plan has, and how much is taken.
-- Attempts of one account are reserved one after the other, and the sum is read after the lock: a hundred at once get no more than there is.
create function reserve_usage(p_upload_id uuid, p_attempt integer, p_seconds double precision)
returns table (refused text, most integer, taken double precision) language plpgsql as $$
declare
    owner uuid;
    plan plans;
    counted_in date;
    videos bigint;
    total double precision;
begin
    select u.account_id into owner from uploads u where u.id = p_upload_id;
    if not found then
        return;
    end if;
    select p.* into plan from plans p join accounts a on a.plan = p.name where a.id = owner;
    if plan.videos_a_month is not null or plan.minutes_a_month is not null then
        perform pg_advisory_xact_lock(hashtextextended(owner::text, 0));
        select coalesce((select l.month from ledger l where l.upload_id = p_upload_id and l.attempt = p_attempt), this_month()) into counted_in;
        select count(*), coalesce(sum(l.seconds), 0) into videos, total from ledger l
        where l.account_id = owner and l.month = counted_in and l.state <> 'refunded' and (l.upload_id, l.attempt) <> (p_upload_id, p_attempt);
        if videos >= plan.videos_a_month then
            return query select 'videos', plan.videos_a_month, videos::double precision;
            return;
        end if;
        if total >= plan.minutes_a_month * 60 or total + coalesce(p_seconds, 0) > plan.minutes_a_month * 60 then
            return query select 'minutes', plan.minutes_a_month, total / 60;
            return;
        end if;
    end if;
    insert into ledger as l (upload_id, attempt, account_id, month, seconds)
    values (p_upload_id, p_attempt, owner, this_month(), coalesce(p_seconds, 0))
    on conflict (upload_id, attempt) do update
    set seconds = coalesce(p_seconds, l.seconds), state = case l.state when 'refunded' then 'reserved' else l.state end
    where l.state <> 'settled';
end
$$;

-- The ledger follows the statuses: a completed attempt costs what it was long, every other end gives back what was reserved. A
-- dead-lettered attempt has failed, and costs after all if it is completed later.
create function settle_usage() returns trigger language plpgsql as $$
begin
    if new.status = 'completed' then
        update ledger l
        set state = 'settled',
            seconds = coalesce((select u.media_seconds from usage u where u.upload_id = l.upload_id and u.attempt = l.attempt), l.seconds)
        where l.upload_id = new.upload_id and l.attempt = new.attempt;
    else
        update ledger set state = 'refunded' where upload_id = new.upload_id and attempt = new.attempt and state = 'reserved';
    end if;
    return null;
end
$$;

create trigger upload_ended after insert on upload_statuses for each row when (status_rank(new.status) = 5) execute function settle_usage();
