"""Parts that S3 or the API does not take: which are sent again, how often, and what the Python client says in the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from schemas.status import Status
from tests.upload_api import CONTENT, PART, Api, client, problem
from valence import ApiError, StorageRefused, transfer


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each pause, none of which is made."""
    made, sleep = list[float](), asyncio.sleep

    async def pass_by(seconds: float) -> None:
        if seconds:
            made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", pass_by)
    return made


@pytest.fixture
def one_part(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT[:PART])
    return path


def storage_answers(status: int, said: str = "") -> Callable[[httpx.Request], httpx.Response | None]:
    return lambda request: httpx.Response(status, text=said) if request.url.host == "s3" else None


@pytest.mark.parametrize("status", [400, 403, 501])
async def test_what_s3_refuses_is_sent_once_more_to_a_new_address_and_then_told_without_its_signature(
    one_part: Path, waits: list[float], status: int
) -> None:
    api = Api(storage_answers(status, "SignatureDoesNotMatch"))
    async with client(api) as sending:
        with pytest.raises(StorageRefused, match=rf"{status}, .*SignatureDoesNotMatch") as refused:
            await sending.upload_file(one_part, straight_to_storage=True)
    assert "signed" not in str(refused.value)
    assert (api.asked["/1"], api.asked["/part-urls"], waits) == (2, 2, [1])


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_while_s3_is_busy_a_part_is_sent_ten_times_with_pauses_that_grow(one_part: Path, waits: list[float], status: int) -> None:
    told: list[int] = []
    api = Api(storage_answers(status))
    async with client(api) as sending:
        with pytest.raises(StorageRefused, match=str(status)):
            await sending.upload_file(one_part, straight_to_storage=True, progress=told.append)
    assert (api.asked["/1"], waits, sum(told)) == (10, [1, 2, 4, 8, 16, 30, 30, 30, 30], 0)


async def test_where_s3_knows_the_parts_no_more_the_api_is_made_to_look_before_one_is_sent_again(
    one_part: Path, waits: list[float]
) -> None:
    def disturb(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(404, text="NoSuchUpload") if request.url.host == "s3" and not api.asked["/parts"] else None

    api = Api(disturb)
    async with client(api) as sending:
        assert (await sending.upload_file(one_part, straight_to_storage=True)).status is Status.RECEIVED


@pytest.mark.parametrize("times", [1, 2])
async def test_a_part_that_was_damaged_on_its_way_to_the_api_is_sent_once_more(one_part: Path, times: int) -> None:
    damaged, told = [problem(422, "digest-mismatch")] * times, list[int]()

    def disturb(request: httpx.Request) -> httpx.Response | None:
        return damaged.pop() if damaged and request.method == "PUT" else None

    api = Api(disturb)
    async with client(api) as sending:
        if times == 2:
            with pytest.raises(ApiError, match="digest-mismatch"):
                await sending.upload_file(one_part)
        else:
            await sending.upload_file(one_part, progress=told.append)
            assert (api.content, sum(told)) == (CONTENT[:PART], PART)
    assert not damaged


async def test_a_part_that_arrives_at_s3_with_other_bytes_is_sent_again(one_part: Path, waits: list[float]) -> None:
    broken = [httpx.Response(200, headers={"ETag": '"00000000000000000000000000000000"'})]
    api = Api(lambda request: broken.pop() if broken and request.url.host == "s3" else None)
    told: list[int] = []
    async with client(api) as sending:
        await sending.upload_file(one_part, straight_to_storage=True, progress=told.append)
    assert (api.content, sum(told), broken) == (CONTENT[:PART], PART, [])


def test_the_page_keeps_the_same_rule() -> None:
    scripts = Path(__file__).parents[2] / "api" / "web" / "scripts"
    said = (scripts / "tries.js").read_text() + (scripts / "server.js").read_text()
    most, refusals = re.search(r"MOST_TRIES = (\d+)", said), re.search(r"MOST_REFUSALS = (\d+)", said)
    passing = re.search(r"PASSING = new Set\(\[([\d, ]+)\]\)", said)
    assert most
    assert refusals
    assert passing
    assert (int(most[1]), int(refusals[1])) == (transfer._TRIES, transfer._REFUSALS)
    assert {int(status) for status in passing[1].split(",")} == transfer._PASSING
