-- Searching ---------------------------------------------------------------------------------------------------------------------------

-- What an upload is found by: its file name from the beginning, and what its newest analysis says once there is one. `words` also holds
-- the account as a lexeme, with a space in it as no word has: the index then finds one account's uploads, whoever else uses the words.
-- `starts`, `texts` and `feelings` are the utterances with their likeliest emotions; `emotions` and `sentiments` are those that count.
create table searchables (
    upload_id   uuid primary key references uploads on delete cascade,
    account_id  uuid not null,
    created_at  timestamptz not null,
    attempt     integer not null default 0,
    emotions    text[] not null default '{}',
    sentiments  text[] not null default '{}',
    words       tsvector not null,
    starts      real[] not null default '{}',
    texts       text[] not null default '{}',
    feelings    text[] not null default '{}'
) with (toast_tuple_target = 256);  -- long values lie elsewhere: a frequent word's uploads are then few pages

create function account_lexeme(account_id uuid) returns text language sql immutable strict as $$
    select 'account ' || account_id
$$;

-- The words of a file's name: PostgreSQL would take `two_words.mp4` for one, the name of a host.
create function name_words(account_id uuid, file_name text) returns tsvector language sql immutable as $$
    select array_to_tsvector(array[account_lexeme(account_id)])
        || to_tsvector('simple', regexp_replace(coalesce(file_name, ''), '[^[:alnum:]]+', ' ', 'g'))
$$;

-- What an analysis document says. An emotion or sentiment counts that is the likeliest for a tenth of the time in which something is said,
-- or without words shown; uncertain utterances are for none. A tsvector holds at most 1 MiB: words beyond 200,000 bytes are not
-- found, which is more than anybody says in two hours.
create function what_is_said(document jsonb)
returns table (emotions text[], sentiments text[], words tsvector, starts real[], texts text[], feelings text[]) language sql immutable as $$
    with said as (
        select n, (one ->> 'start')::real as start, one ->> 'text' as said,
               greatest((one ->> 'end')::float8 - (one ->> 'start')::float8, 0.001) as seconds,
               coalesce((one ->> 'uncertain')::boolean, false) as uncertain,
               (select key from jsonb_each(one -> 'scores' -> 'emotions') order by value desc, key limit 1) as emotion,
               (select key from jsonb_each(one -> 'scores' -> 'sentiments') order by value desc, key limit 1) as sentiment,
               sum(octet_length(one ->> 'text')) over (order by n) as bytes
        from jsonb_array_elements(coalesce(nullif(document -> 'utterances', '[]'), document -> 'moments')) with ordinality as given (one, n)
    ), least as (
        select sum(seconds) / 10 as seconds from said
    )
    select (select coalesce(array_agg(emotion order by emotion), '{}') from (
                select emotion from said where not uncertain group by emotion having sum(seconds) >= (select seconds from least)
            ) as counting),
           (select coalesce(array_agg(sentiment order by sentiment), '{}') from (
                select sentiment from said where not uncertain group by sentiment having sum(seconds) >= (select seconds from least)
            ) as counting),
           to_tsvector('simple', coalesce(string_agg(said, ' ' order by n) filter (where bytes <= 200000), '')),
           coalesce(array_agg(start order by n) filter (where said is not null), '{}'),
           coalesce(array_agg(said order by n) filter (where said is not null), '{}'),
           coalesce(array_agg(emotion order by n) filter (where said is not null), '{}')
    from said
$$;

-- By triggers, as the ledger is kept: what is searchable is true in the transaction that makes it so, whoever writes the rows.
create function upload_is_searchable() returns trigger language plpgsql as $$
begin
    insert into searchables (upload_id, account_id, created_at, words)
    values (new.id, new.account_id, new.created_at, name_words(new.account_id, new.file_name));
    return null;
end
$$;

create trigger upload_made after insert on uploads for each row execute function upload_is_searchable();

create function analysis_is_searchable() returns trigger language plpgsql as $$
begin
    update searchables s
    set attempt = new.attempt, emotions = found.emotions, sentiments = found.sentiments, starts = found.starts, texts = found.texts,
        feelings = found.feelings, words = name_words(s.account_id, u.file_name) || found.words
    from uploads u, what_is_said(new.document) found
    where s.upload_id = new.upload_id and u.id = new.upload_id and s.attempt < new.attempt;
    return null;
end
$$;

create trigger analysis_kept after insert on analyses for each row execute function analysis_is_searchable();

insert into searchables (upload_id, account_id, created_at, attempt, emotions, sentiments, words, starts, texts, feelings)
select u.id, u.account_id, u.created_at, coalesce(a.attempt, 0), found.emotions, found.sentiments,
       name_words(u.account_id, u.file_name) || found.words, found.starts, found.texts, found.feelings
from uploads u
left join lateral (select attempt, document from analyses where upload_id = u.id order by attempt desc limit 1) a on true
cross join lateral what_is_said(coalesce(a.document, '{}')) found;

create index searchables_words on searchables using gin (words);
create index searchables_listed on searchables (account_id, created_at desc, upload_id desc) include (emotions, sentiments);

-- The same order as before, with what lists are filtered by: they read no row that they do not show.
create index uploads_listed on uploads (account_id, created_at desc, id desc) include (status);
drop index uploads_account;

-- What somebody searches for, as in a web search, with `begin*` for words that begin so; three letters at least, or there are too many.
create function search_words(asked text) returns tsquery language sql immutable as $$
    select replace(websearch_to_tsquery('simple', regexp_replace(asked, '(\w{3})\*', '\1ꟾꟾ', 'g'))::text, 'ꟾꟾ''', ''':*')::tsquery
$$;

-- The same among one account's uploads; what has no words finds nothing.
create function account_words(account_id uuid, asked text) returns tsquery language sql immutable as $$
    select case when numnode(search_words(asked)) = 0 then ''
                else ('''' || account_lexeme(account_id) || '''')::tsquery && search_words(asked) end
$$;

-- The same without the order that phrases want, which the index does not know: it finds what may match. A phrase that is not wanted stays.
create function loosely(query tsquery) returns tsquery language sql immutable as $$
    select case when query::text like '%!(%' then query else regexp_replace(query::text, '<(-|\d+)>', '&', 'g')::tsquery end
$$;
