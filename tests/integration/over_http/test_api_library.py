"""The library over HTTP: what is found by words and feelings, which moments are shown for it, and whose it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts, library
from cli.main import run as valence
from runtime import erasure, uploads
from runtime.database import Database
from runtime.erasure import Erased
from runtime.settings import Settings
from schemas.resources import PROBLEM_TYPES
from schemas.status import Status
from tests.api_process import ApiProcess
from tests.chain import select
from tests.documentation import run
from tests.integration.over_http.spoken import Keep, add, document


async def found(http: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await http.get("/v1/uploads", params=query)
    assert answer.status_code == 200, answer.text
    return [upload["id"] for upload in answer.json()["data"]]


async def hits(http: httpx.AsyncClient, **query: Any) -> list[tuple[float, str, str]]:
    (upload,) = (await http.get("/v1/uploads", params=query)).json()["data"]
    return [(hit["start"], hit["text"], hit["emotion"]) for hit in upload["found"]["hits"]]


@pytest.mark.parametrize(
    ("searched", "is_found"),
    [
        ("budget", True),
        ("BUDGET cut", True),
        ('"the budget"', True),
        ('"budget the"', False),
        ("budget -cut", False),
        ("budget -holiday", True),
        ("holiday or budget", True),
        ("budg*", True),
        ("budge", False),
        ("überflüssig", True),
        ("not", True),
        ("quarterly meeting", True),
        ("meeting budget", True),
        ("account", False),
    ],
)
async def test_words_are_found_in_what_is_said_and_in_the_files_name(
    http: httpx.AsyncClient, keep: Keep, searched: str, is_found: bool
) -> None:
    upload_id = await keep(
        document(("anger", "Do not cut the budget!", 2), ("joy", "Das ist ÜBERFLÜSSIG.", 2)), name="Quarterly_Meeting-3.mp4"
    )
    await keep(document(("joy", "Something else.", 2)))
    assert await found(http, q=searched) == ([upload_id] if is_found else [])


async def test_a_star_is_an_error_nowhere_and_the_mark_that_stands_for_it_is_nobodys_to_type(http: httpx.AsyncClient, keep: Keep) -> None:
    upload_id = await keep(document(("joy", "Look at /usr/budget for the_plan of a budget.", 2)))
    for searched in ("/usr/budget*", "the_*", "look -look/usr*", "budg*", "budget*'"):
        assert await found(http, q=searched) == [upload_id], searched
    for searched in ("ꟾꟾ", "-ꟾꟾ", "buꟾꟾ", "a.com/abc'ꟾꟾ'", "budge*'s/the*"):
        assert await found(http, q=searched) == [], searched


async def test_a_file_is_found_by_its_name_before_it_has_an_analysis(http: httpx.AsyncClient) -> None:
    made = (await http.post("/v1/uploads", json={"filename": "board-meeting.mp4"})).json()
    assert await found(http, q="board meeting") == [made["id"]]


async def test_hits_are_the_moments_with_the_words_those_with_all_of_them_first(http: httpx.AsyncClient, keep: Keep) -> None:
    await keep(
        document(("neutral", "The budget.", 2), ("joy", "We talk.", 2), ("anger", "Cut it!", 2.5), ("fear", "They cut the budget", 2))
    )
    assert await hits(http, q="budget cut -holiday") == [
        (6.5, "They cut the budget", "fear"),
        (0.0, "The budget.", "neutral"),
        (4.0, "Cut it!", "anger"),
    ]


async def test_of_the_moments_with_the_words_those_with_the_emotion_come_first(http: httpx.AsyncClient, keep: Keep) -> None:
    await keep(document(("neutral", "Rain.", 2), ("joy", "Rain!", 2), ("joy", "Sun!", 2)))
    assert await hits(http, q="rain", emotion="joy") == [(2.0, "Rain!", "joy"), (0.0, "Rain.", "neutral")]
    assert await hits(http, emotion="joy") == [(2.0, "Rain!", "joy"), (4.0, "Sun!", "joy")]
    assert await hits(http) == []


async def test_an_emotion_counts_from_a_tenth_of_what_is_said_and_where_the_model_is_sure(http: httpx.AsyncClient, keep: Keep) -> None:
    upload_id = await keep(
        document(("neutral", "a", 80), ("joy", "b", 10.1), ("anger", "c", 9.8), ("fear", "d", 0.1), ("sadness", "e", 0, True))
    )
    unsure = await keep(document(("sadness", "e", 9, True), ("neutral", "f", 9)))
    (first, second) = (await http.get("/v1/uploads")).json()["data"]
    assert second["found"] == {"emotions": ["joy", "neutral"], "sentiments": ["neutral", "positive"], "hits": []}
    assert first["found"]["emotions"] == ["neutral"]
    assert await found(http, emotion="joy") == [upload_id]
    assert await found(http, emotion=["sadness", "joy"]) == [upload_id]
    assert await found(http, emotion="anger") == await found(http, emotion="sadness") == []
    assert await found(http, sentiment="positive") == [upload_id]
    assert await found(http, sentiment="neutral", emotion="neutral") == [unsure, upload_id]


async def test_a_video_without_words_is_found_by_what_its_faces_show(http: httpx.AsyncClient, keep: Keep) -> None:
    silent = document(("joy", "", 4))
    moments = [{key: value for key, value in one.items() if key != "text"} for one in silent["utterances"]]
    upload_id = await keep({**silent, "utterances": [], "reason": "no_speech", "moments": moments})
    assert await found(http, emotion="joy") == [upload_id]


async def test_the_newest_attempt_counts_whichever_came_first(http: httpx.AsyncClient, database: Database, keep: Keep) -> None:
    old, new = document(("joy", "an old word", 2)), document(("anger", "a new word", 2))
    upload_id = await keep(old)
    assert await found(http, q="old", emotion="joy") == [upload_id]
    await add(database, upload_id, 3, new)
    await add(database, upload_id, 2, old)
    assert await found(http, q="old") == await found(http, emotion="joy") == []
    assert await found(http, q="new", emotion="anger") == [upload_id]


async def test_other_accounts_words_are_not_found(http: httpx.AsyncClient, database: Database, keep: Keep, account: UUID) -> None:
    stranger = await accounts.create_account(database, f"other-{uuid4()}")
    theirs = await keep(document(("joy", "a secret", 2)), owner=stranger)
    assert await found(http, q="secret") == await found(http, q="secret or -x") == await found(http, emotion="joy") == []
    assert await found(http, q=f"account {stranger}") == []
    mine = await keep(document(("joy", "a secret", 2)))
    assert await found(http, q="secret") == await found(http, emotion="joy") == [mine]
    assert theirs != mine


async def test_what_was_erased_is_not_found(http: httpx.AsyncClient, settings: Settings, database: Database, keep: Keep) -> None:
    upload_id = await keep(document(("joy", "a secret", 2)))
    async with database.transaction() as connection:
        await erasure.erase_upload(connection, settings, UUID(upload_id), await erasure.begin(connection, Erased.UPLOAD))
    assert await found(http, q="secret") == []
    assert await select(database, "select 1 from searchables where upload_id = %s", UUID(upload_id)) == []


@pytest.mark.parametrize(
    "query", [{}, {"q": "word"}, {"emotion": "joy"}, {"q": "word", "status": ["completed", "failed"], "sentiment": "positive"}]
)
async def test_pages_of_every_kind_show_each_upload_once_while_others_come(
    http: httpx.AsyncClient, keep: Keep, query: dict[str, Any]
) -> None:
    wanted = [await keep(document(("joy", "a word", 2))) for _ in range(5)][::-1]
    seen: list[str] = []
    after: dict[str, str] = {}
    for size in (2, 2, 1):
        page = (await http.get("/v1/uploads", params={**query, "limit": 2, **after})).json()
        assert len(page["data"]) == size
        seen += [upload["id"] for upload in page["data"]]
        after = {"after": page["next_cursor"]}
        await keep(document(("joy", "a word", 2)))
    assert page["next_cursor"] is None
    assert seen == wanted


async def test_a_phrase_is_looked_for_in_so_many_at_a_time_and_found_in_the_end(
    database: Database, account: UUID, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "WALKED", 1)
    monkeypatch.setattr(library, "EXAMINED", 2)
    phrases = [await keep(document(("joy", "they cut the budget", 2))) for _ in range(2)]
    for _ in range(3):
        await keep(document(("joy", "the budget they cut", 2)))
    wanted = library.wanted(q='"cut the budget"')
    seen: list[list[str]] = []
    cursor = None
    while not seen or cursor is not None:
        page, cursor = await library.page_of(database, account, wanted, 1, cursor)
        seen.append([str(row["id"]) for row in page])
    assert [upload_id for page in seen for upload_id in page] == phrases[::-1]
    assert seen[0] == []
    assert (await library.page_of(database, account, library.wanted(q='budget -"cut the budget"'), 9))[1] is None


async def test_status_and_dates_bound_every_kind_of_list(http: httpx.AsyncClient, database: Database, keep: Keep) -> None:
    again = await keep(document(("joy", "word", 2)))
    async with database.transaction() as connection:
        assert await uploads.apply_status(connection, UUID(again), 2, Status.RECEIVED, "/tests")
    upload_id = await keep(document(("joy", "word", 2)))
    made = datetime.fromisoformat((await http.get(f"/v1/uploads/{upload_id}")).json()["created_at"])
    for query in ({}, {"q": "word"}, {"emotion": "joy"}):
        assert await found(http, **query, status=["received", "failed"]) == [again]
        assert await found(http, **query, status=["completed", "failed"]) == [upload_id]
        assert await found(http, **query, created_after=made.isoformat()) == [upload_id]
        assert await found(http, **query, created_before=made.isoformat()) == [again]
        assert await found(http, **query, created_before=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("q", "!!!"),
        ("q", "a\0b"),
        ("q", "x" * 201),
        ("emotion", "happy"),
        ("sentiment", "good"),
        ("created_after", "yesterday"),
        ("created_after", "2026-11-26T09:30:00"),
        ("created_before", "2026-02-30"),
    ],
)
async def test_a_filter_that_is_none_is_named_with_what_was_expected(http: httpx.AsyncClient, field: str, value: str) -> None:
    answer = await http.get("/v1/uploads", params={field: value})
    assert (answer.status_code, answer.json()["type"].removeprefix(PROBLEM_TYPES)) == (422, "invalid-request")
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["value"].startswith(value[:200])
    assert error["expected"]
    if field in ("emotion", "sentiment"):
        assert error["expected"].startswith("expected one of ")


async def test_so_many_different_words_that_no_index_holds_them_are_kept_all_the_same(http: httpx.AsyncClient, keep: Keep) -> None:
    many = " ".join(f"{n:x}-{n + 1:x}.{n:x}/{n:x}" for n in range(120_000))
    upload_id = await keep(document(("joy", "beginning", 2), ("joy", many, 2)))
    assert await found(http, q="beginning") == [upload_id]


@pytest.mark.parametrize("language", ["sh", "python", "js"])
async def test_the_examples_of_searching_find(api: ApiProcess, key: str, keep: Keep, tmp_path: Path, language: str) -> None:
    await keep(document(("anger", "They cut the budget", 2)), name="board.mp4")
    said = await asyncio.to_thread(run, "library.md", language, tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=key)
    assert "board.mp4" in said
    assert "They cut the budget" in said


async def test_the_command_line_lists_what_is_found_with_its_moments(
    api: ApiProcess, key: str, keep: Keep, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(document(("neutral", "We talk", 61), ("anger", "They cut the budget", 9)), name="board.mp4")
    await keep(document(("joy", "The budget grows", 2)), name="other.mp4")
    given = ["--search", "budget", "--emotion", "anger", "--since", "1h", "--api-url", api.url, "--api-key", key]
    assert await asyncio.to_thread(valence, ["uploads", "list", *given]) == 0
    listed = capsys.readouterr().out
    assert "1:01.0 anger: They cut the budget" in listed
    assert "other.mp4" not in listed
