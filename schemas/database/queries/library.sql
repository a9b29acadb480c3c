-- Lists of an account's uploads, and what is found in them: newest first, a page after a cursor.
--
-- The first ones give the ids of a page. How often one account uses a word is nothing that the planner's statistics know, so it is told
-- what to do: docs/decisions/0009. Each of them reads an index alone, few rows, or many small ones.

-- name: plan_lists
-- With a plan for each call, conditions on what is null are none.
select set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: listed_uploads
select id, created_at from uploads
where account_id = %(account_id)s
  and (%(statuses)s::text[] is null or status = any(%(statuses)s))
  and (%(created_after)s::timestamptz is null or created_at >= %(created_after)s)
  and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
  and (%(after_time)s::timestamptz is null or (created_at, id) < (%(after_time)s, %(after_id)s::uuid))
order by created_at desc, id desc limit %(most)s;

-- name: walked_uploads
-- One after the other, at most so many, until the page is full.
select upload_id as id, created_at from (
    select upload_id, created_at, emotions, sentiments, words from searchables
    where account_id = %(account_id)s
      and (%(created_after)s::timestamptz is null or created_at >= %(created_after)s)
      and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
      and (%(after_time)s::timestamptz is null or (created_at, upload_id) < (%(after_time)s, %(after_id)s::uuid))
    order by created_at desc, upload_id desc limit %(walked)s
) s
where (%(emotions)s::text[] is null or emotions && %(emotions)s)
  and (%(sentiments)s::text[] is null or sentiments && %(sentiments)s)
  and (%(words)s::text is null or words @@ account_words(%(account_id)s, %(words)s))
  and (%(statuses)s::text[] is null or case
       when 'completed' = any(%(statuses)s) then (select status from uploads where id = upload_id) = any(%(statuses)s)
       else upload_id in (select id from uploads where account_id = %(account_id)s and status = any(%(statuses)s)) end)
order by created_at desc, upload_id desc limit %(most)s;

-- name: found_uploads
-- All with the words, by the account's lexeme alone: a condition on `account_id` would let the planner walk instead. Whether a phrase is
-- among the words is seen one after the other, newest first; not in more than so many at a time: the row that `goes_on` is where it stopped.
with candidates as (
    select upload_id, created_at from searchables
    where words @@ loosely(account_words(%(account_id)s, %(words)s))
      and (%(emotions)s::text[] is null or emotions && %(emotions)s)
      and (%(sentiments)s::text[] is null or sentiments && %(sentiments)s)
      and (%(created_after)s::timestamptz is null or created_at >= %(created_after)s)
      and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
      and (%(after_time)s::timestamptz is null or (created_at, upload_id) < (%(after_time)s, %(after_id)s::uuid))
      and (%(statuses)s::text[] is null
           or upload_id in (select id from uploads where account_id = %(account_id)s and status = any(%(statuses)s)))
    order by created_at desc, upload_id desc
    limit case when loosely(search_words(%(words)s)) = search_words(%(words)s) then %(most)s else %(examined)s end
), matching as (
    select upload_id as id, created_at from candidates c
    where loosely(search_words(%(words)s)) = search_words(%(words)s)
       or (select words from searchables s where s.upload_id = c.upload_id) @@ search_words(%(words)s)
    limit %(most)s
)
select id, created_at, false as goes_on from matching
union all
(select upload_id, created_at, true from candidates where (select count(*) from candidates) = %(examined)s order by created_at, upload_id limit 1);

-- name: shown_uploads
-- The rows of a page, with what is felt in each.
select u.*, s.emotions, s.sentiments,
       (select compute_seconds from usage where usage.upload_id = u.id and usage.attempt = u.attempt) as compute_seconds
from uploads u join searchables s on s.upload_id = u.id
where u.id = any(%(ids)s)
order by u.created_at desc, u.id desc;

-- name: hits
-- The moments that an upload is found for: utterances with any of the words, those that match the whole search first, then those with an
-- emotion that is asked for; without words, utterances with such an emotion. `fragments` spare most utterances the parser.
select s.upload_id, hit.start, hit.said, hit.emotion
from searchables s cross join lateral (
    select start, said, emotion
    from unnest(s.starts, s.texts, s.feelings) with ordinality as one (start, said, emotion, n)
    where case when %(any_word)s::text is null then emotion = any(%(emotions)s::text[])
          else lower(said) like any(%(fragments)s::text[]) and to_tsvector('simple', said) @@ search_words(%(any_word)s) end
    order by (%(words)s::text is not null and to_tsvector('simple', said) @@ search_words(%(words)s)) desc,
             coalesce(emotion = any(%(emotions)s::text[]), false) desc, n
    limit %(most)s
) hit
where s.upload_id = any(%(ids)s);
