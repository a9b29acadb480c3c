"""The library: an account's uploads in lists, searched and filtered, a page at a time."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import Parameter, SkipValidation
from psycopg.rows import DictRow

from api import cursors
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import InvalidRequest, field_at
from api.services import Authenticated, Injected
from api.uploads import as_upload
from runtime import database
from runtime.database import Connection, Database
from schemas.analysis import Emotion, Sentiment
from schemas.resources import UploadPage
from schemas.status import Status

#: Uploads that are looked through, newest first, before the index is asked for all with a word.
WALKED = 1_000
#: Uploads with all words of a phrase in which it is looked for at a time.
EXAMINED = 2_000
#: How many moments a list shows of an upload.
MOST_HITS = 3
_MOST_SEARCHED = 200

Limit = Annotated[int, Parameter(ge=1, le=100, description="How many uploads a page has.")]
After = Annotated[str | None, Parameter(description="The `next_cursor` of the page before.")]
Searched = Annotated[
    str | None,
    Parameter(
        description=f"Words of the transcript or the file name, up to {_MOST_SEARCHED} characters: all of them, in whatever form they were "
        'said. `"a phrase"`, `one or other`, `-without`, `begin*`.'
    ),
]
Emotions = Annotated[
    list[Emotion] | None,
    Parameter(description="Only uploads with one of these emotions, each the likeliest of a tenth of what is said or more."),
]
Sentiments = Annotated[list[Sentiment] | None, Parameter(description="Only uploads with one of these sentiments, in the same sense.")]
Statuses = Annotated[list[Status] | None, Parameter(description="Only uploads with one of these statuses.")]
_DATE = "a date or a time with its zone, such as 2026-11-26 (midnight UTC) or 2026-11-26T09:30:00Z"
Since = Annotated[str | None, Parameter(description=f"Only uploads made then or later: {_DATE}.")]
Before = Annotated[str | None, Parameter(description=f"Only uploads made earlier: {_DATE}.")]


class Wanted(NamedTuple):
    """Which of an account's uploads a list has; None stands for all."""

    words: str | None
    emotions: list[Emotion] | None
    sentiments: list[Sentiment] | None
    statuses: list[Status] | None
    created_after: datetime | None
    created_before: datetime | None


def wanted(
    q: Searched = None,
    emotion: Emotions = None,
    sentiment: Sentiments = None,
    status: Statuses = None,
    created_after: Since = None,
    created_before: Before = None,
) -> Wanted:
    """The filters of a request; InvalidRequest for words that are none, and dates that are none."""
    return Wanted(
        words=_words(q),
        emotions=emotion or None,
        sentiments=sentiment or None,
        statuses=status or None,
        created_after=_moment("created_after", created_after),
        created_before=_moment("created_before", created_before),
    )


#: The filters as a route's parameter, which its decorator gives it with `FILTERS`.
Filters = NamedDependency[SkipValidation[Wanted]]
FILTERS = {"wanted": Provide(wanted, sync_to_thread=False)}


@get("/uploads", guards=[requires(Scope.READ)], dependencies=FILTERS, responses=problems(InvalidRequest))
async def list_uploads(request: Authenticated, services: Injected, wanted: Filters, limit: Limit = 20, after: After = None) -> UploadPage:
    """The account's uploads, newest first, a page at a time; those that `q` and the filters leave, with the moments they are found for.

    There are more as long as there is a `next_cursor`, also after a page that is not full."""
    page, cursor = await page_of(services.database, request.user.account_id, wanted, limit, after)
    found = await _shown(services.database, wanted, [row["id"] for row in page])
    return UploadPage(data=await services.forecasts.with_progress([as_upload(row) for row in found]), next_cursor=cursor)


async def page_of(db: Database, account_id: UUID, wanted: Wanted, limit: int, after: str | None = None) -> tuple[list[DictRow], str | None]:
    """The `id` and `created_at` of the uploads on a page, and the cursor of the next one, if there is one. It may come after a page that
    is not full, or empty: a phrase was looked for in so many that the rest waits for the next request."""
    time, upload_id = cursors.read(after) if after is not None else (None, None)
    before = wanted.created_before
    # One of the two bounds: with both, PostgreSQL would begin at the one that it meets first.
    begins_at_cursor = time is not None and (before is None or time < before)
    parameters: dict[str, Any] = {
        "account_id": account_id,
        "statuses": wanted.statuses,
        "created_after": wanted.created_after,
        "created_before": None if begins_at_cursor else before,
        "after_time": time if begins_at_cursor else None,
        "after_id": upload_id if begins_at_cursor else None,
        "most": limit + 1,
    }
    async with db.transaction() as connection:
        await database.rows(connection, "plan_lists")
        found = await _ids(connection, wanted, parameters)
    stopped = found.pop() if found and found[-1].get("goes_on") else None
    page = found[:limit]
    if stopped is not None and len(found) <= limit:
        return page, cursors.write(stopped["created_at"], stopped["id"])
    return page, cursors.write(page[-1]["created_at"], page[-1]["id"]) if len(found) > limit else None


async def _ids(connection: Connection, wanted: Wanted, parameters: dict[str, Any]) -> list[DictRow]:
    """A frequent word is met soon by whoever walks through the newest uploads; for a rare one the index knows every upload."""
    if wanted.words is None and not wanted.emotions and not wanted.sentiments:
        return await database.rows(connection, "listed_uploads", **parameters)
    parameters |= {"words": wanted.words, "emotions": wanted.emotions, "sentiments": wanted.sentiments}
    walked = None if wanted.words is None else WALKED
    found = await database.rows(connection, "walked_uploads", walked=walked, **parameters)
    if walked is None or len(found) == parameters["most"]:
        return found
    return await database.rows(connection, "found_uploads", examined=EXAMINED, **parameters)


async def _shown(db: Database, wanted: Wanted, ids: list[UUID]) -> list[DictRow]:
    """The rows of these uploads, newest first, each with what is found in it."""
    hits: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    async with db.connection() as connection:
        uploads = await database.rows(connection, "shown_uploads", ids=ids)
        if wanted.words is not None or wanted.emotions:
            words = _any_of(wanted.words) if wanted.words is not None else None
            for hit in await database.rows(
                connection,
                "hits",
                ids=ids,
                words=wanted.words,
                any_word=" or ".join(words) if words is not None else None,
                fragments=[f"%{word.strip('*')}%" for word in words or ()],
                emotions=wanted.emotions,
                most=MOST_HITS,
            ):
                hits[hit["upload_id"]].append({"start": round(hit["start"], 3), "text": hit["said"], "emotion": hit["emotion"]})
    return [{**row, "found": {"emotions": row["emotions"], "sentiments": row["sentiments"], "hits": hits[row["id"]]}} for row in uploads]


def _any_of(searched: str) -> list[str]:
    """The single words of a search that an utterance may have; what is not wanted, and what binds them, is left out."""
    positive = re.sub(r'(?<!\S)-("[^"]*"?|\S+)', " ", searched).lower()
    return [word for word in re.findall(r"[^\W_]+\*?", positive) if word != "or"]


def _words(searched: str | None) -> str | None:
    if searched is None or not searched.strip():
        return None
    if len(searched) <= _MOST_SEARCHED and "\0" not in searched and re.search(r"[^\W_]", searched):
        return searched
    expected = f"at least one word, and {_MOST_SEARCHED} characters at most"
    raise InvalidRequest(f"q is {searched[:200]!r}: expected {expected}", errors=[field_at("q", searched, expected)])


def _moment(field: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        parsed = datetime.fromisoformat(given)
        if len(given) <= len("2026-11-26"):
            return parsed.replace(tzinfo=UTC)
        if parsed.tzinfo is None:
            raise ValueError("a time of day means nothing without its zone")
    except ValueError as error:
        wrong = field_at(field, given, _DATE)
        raise InvalidRequest(f"{field} is {given[:100]!r}: expected {_DATE}", errors=[wrong]) from error
    return parsed
