-- As before, but where PostgreSQL parts the mark of `begin*` from its word, as behind the `/` of a path, the mark falls away: alone it
-- would ask for words that begin with nothing, which is no query. Nor does a mark count that somebody has typed.
create or replace function search_words(asked text) returns tsquery language sql immutable as $$
    select replace(ts_rewrite(
        websearch_to_tsquery('simple', regexp_replace(replace(asked, 'ꟾ', ' '), '(\w{3})\*', '\1ꟾꟾ', 'g')), '''ꟾꟾ''', ''
    )::text, 'ꟾꟾ''', ''':*')::tsquery
$$;
