"""How much of an account may be on its way at once: announced, and held by S3 as parts that nobody completes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest

from runtime.database import Database
from tests.api_process import UPLOAD_LIMIT, ApiProcess, Starter
from tests.chain import select
from tests.upload_calls import MIB, announce, problem

MOST_UPLOADS, MOST_BYTES = 5, 100 * MIB


@pytest.fixture(scope="module")
def api(start_api: Starter) -> Iterator[ApiProcess]:
    """An API that lets an account have little on its way."""
    with start_api({"VALENCE_LIMITS_UNSENT_UPLOADS": str(MOST_UPLOADS), "VALENCE_LIMITS_UNSENT_BYTES": str(MOST_BYTES)}) as process:
        yield process


async def announced(http: httpx.AsyncClient, **declared: int) -> httpx.Response:
    return await http.post("/v1/uploads", json={"filename": "clip.mp4", **declared})


async def test_of_fifty_announcements_at_once_as_many_are_taken_as_an_account_may_have_open(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(announced(http) for _ in range(50)))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(answers) - len(refused) == MOST_UPLOADS
    assert {problem(answer) for answer in refused} == {(409, "too-much-unsent")}
    assert "cancel" in refused[0].json()["detail"]


async def test_what_is_complete_or_cancelled_makes_room(http: httpx.AsyncClient) -> None:
    made = [await announce(http) for _ in range(MOST_UPLOADS)]
    assert problem(await announced(http)) == (409, "too-much-unsent")
    assert (await http.put(f"/v1/uploads/{made[0]}/content", content=b"video")).status_code == 200
    assert (await announced(http)).status_code == 201
    assert problem(await announced(http)) == (409, "too-much-unsent")
    assert (await http.post(f"/v1/uploads/{made[1]}/cancel")).status_code == 200
    assert (await announced(http)).status_code == 201


async def test_declared_bytes_count_from_the_announcement_on(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await announced(http, bytes=32 * MIB)).status_code == 201
    assert problem(await announced(http, bytes=5 * MIB)) == (409, "too-much-unsent")
    assert (await announced(http, bytes=4 * MIB)).status_code == 201


async def test_parts_of_a_file_of_unknown_size_count_as_the_largest_that_is_accepted(http: httpx.AsyncClient) -> None:
    assert MOST_BYTES // UPLOAD_LIMIT == 3
    made = [await announce(http) for _ in range(4)]
    sent = [await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"part") for upload_id in made]
    assert [answer.status_code for answer in sent] == [200, 200, 200, 409]
    assert problem(sent[3]) == (409, "too-much-unsent")
    assert (await http.put(f"/v1/uploads/{made[0]}/parts/1", content=b"again")).status_code == 200
    unknown = await http.post(f"/v1/uploads/{made[0]}/part-urls", json={"numbers": [1]})
    assert problem(unknown) == (409, "size-unknown")


@pytest.fixture
async def elsewhere(api: ApiProcess, stranger: str) -> AsyncIterator[httpx.AsyncClient]:
    """Another account."""
    async with httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {stranger}"}, timeout=30) as client:
        yield client


async def test_one_account_s_unsent_uploads_are_nobody_else_s(
    http: httpx.AsyncClient, elsewhere: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    for _ in range(MOST_UPLOADS):
        await announce(http)
    assert (await announced(elsewhere)).status_code == 201
    refused = await announced(http)
    assert problem(refused) == (409, "too-much-unsent")
    rows = await select(database, "select count(*) as n from uploads where account_id = %s", account)
    assert rows[0]["n"] == MOST_UPLOADS
