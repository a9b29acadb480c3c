"""Sending videos from the page: interrupted, paused, closed in the middle, given up."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from local.stack import Stack
from tests.waiting import until
from tests.web.held_parts import PART, at_the_library, parts_go, parts_there
from tests.web.visitor import Account, Opener, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARTS = 3


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A file of three parts; what is in it does not matter, since nobody looks before it is complete."""
    path = tmp_path / "long talk.mp4"
    path.write_bytes(os.urandom(PART * (PARTS - 1) + 1_000))
    return path


def storage_of(stack: Stack) -> str:
    """Where the browser finds S3."""
    return stack.environment()["AWS_ENDPOINT_URL_S3"]


both_ways = pytest.mark.parametrize("way", ["straight", "through the API"])


async def places(visitor: Visitor) -> list[str]:
    """Where parts were sent to."""
    return list(await visitor.page.evaluate("[...origins]"))


@both_ways
async def test_what_was_interrupted_goes_on_with_what_is_missing_when_the_network_is_back(
    account: Account, open_page: Opener, video: Path, stack: Stack, url: str, way: str
) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2, way=way)
    await visitor.choose(video)
    await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
    await visitor.page.context.set_offline(True)
    await visitor.page.evaluate("release()")
    entry = visitor.entry(video.name)
    await expect(entry).to_contain_text("No connection: goes on by itself")
    await visitor.page.evaluate("window.sent = []")
    await visitor.page.context.set_offline(False)
    await expect(entry).to_contain_text("Not accepted")
    assert sorted(await visitor.page.evaluate("sent")) == [2, 3]
    assert await places(visitor) == [storage_of(stack) if way == "straight" else url]


@both_ways
async def test_a_closed_page_goes_on_when_the_same_file_is_chosen_again(account: Account, open_page: Opener, video: Path, way: str) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2, way=way)
    await visitor.choose(video)
    await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
    await visitor.page.reload()
    await parts_go(visitor, way)
    entry = visitor.entry(video.name)
    await expect(entry).to_contain_text("Interrupted. Choose the same file again")
    other = video.with_name("another.mp4")
    other.write_bytes(b"no video")
    await entry.locator("input[type=file]").set_input_files(other)
    await expect(visitor.page.get_by_role("alert").first).to_contain_text("This is another file")
    await entry.locator("input[type=file]").set_input_files(video)
    await expect(entry).to_contain_text("Not accepted")
    assert sorted(await visitor.page.evaluate("sent")) == [2, 3]


async def test_a_part_that_is_damaged_on_its_way_to_s3_is_refused_there_and_sent_again(
    account: Account, open_page: Opener, video: Path
) -> None:
    visitor = await at_the_library(open_page, account)
    await visitor.page.evaluate("window.damage = 1")
    await visitor.choose(video)
    await expect(visitor.entry(video.name)).to_contain_text("Not accepted")
    sent = await visitor.page.evaluate("sent")
    assert sorted(set(sent)) == [1, 2, 3]
    assert len(sent) > PARTS
    (upload,) = (await account.http.get("/v1/uploads")).json()["data"]
    stored = await account.http.get(f"/v1/uploads/{upload['id']}/content", follow_redirects=True)
    assert stored.content == await asyncio.to_thread(video.read_bytes)


async def test_where_a_browser_cannot_reach_s3_the_file_goes_through_the_server_and_the_page_says_so(
    account: Account, open_page: Opener, video: Path, stack: Stack, url: str
) -> None:
    visitor = await at_the_library(open_page, account)
    await visitor.page.route(f"{storage_of(stack)}/**", lambda route: route.abort("connectionrefused"))
    hold = "new MutationObserver(() => { if (document.querySelector('.state')?.textContent.startsWith('Goes')) window.holdFrom = 0; })"
    await visitor.page.evaluate(f"{hold}.observe(document.body, {{ subtree: true, childList: true, characterData: true }})")
    await visitor.choose(video)
    entry = visitor.entry(video.name)
    await expect(entry).to_contain_text("Goes through the server: the storage takes nothing from here")
    await visitor.page.evaluate("release()")
    await expect(entry).to_contain_text("Not accepted")
    assert await places(visitor) == [storage_of(stack), url]


async def test_s3_takes_parts_from_our_page_and_from_nobody_elses(account: Account, stack: Stack, url: str) -> None:
    upload = (await account.http.post("/v1/uploads", json={"filename": "talk.mp4", "bytes": 5})).json()
    (place,) = (await account.http.post(f"/v1/uploads/{upload['id']}/part-urls", json={"numbers": [1]})).json()["urls"]
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-md5"}
    async with httpx.AsyncClient() as http:
        origins = [url, url.replace("127.0.0.1", "localhost"), "https://elsewhere.example"]
        answers = [await http.options(place["url"], headers={"Origin": origin, **asked}) for origin in origins]
    assert [answer.status_code for answer in answers] == [200, 200, 403]


#: Lengths around the ends of MD5's blocks, and what S3 gets of a part.
LENGTHS = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 100_003]
DIGESTS = """async (lengths) => {
  const { md5 } = await import(`${document.body.dataset.static}/scripts/md5.js`);
  const content = (length) => Uint8Array.from({ length }, (_, place) => (7 * place + 13) % 251).buffer;
  return lengths.map((length) => [...md5(content(length))]);
}"""


async def test_the_digest_by_which_s3_checks_a_part_is_md5_whatever_its_length(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    expected = [hashlib.md5(bytes((7 * place + 13) % 251 for place in range(length)), usedforsecurity=False) for length in LENGTHS]
    assert await visitor.page.evaluate(DIGESTS, LENGTHS) == [list(digest.digest()) for digest in expected]


async def test_an_upload_can_be_paused_resumed_and_given_up(account: Account, open_page: Opener, video: Path) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2)
    await visitor.choose(video)
    entry = visitor.entry(video.name)
    await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
    await expect(entry.get_by_role("progressbar")).to_be_visible()
    await entry.get_by_role("button", name="Pause").click()
    await expect(entry).to_contain_text("Paused")
    await entry.get_by_role("button", name="Resume").click()
    await expect(entry).to_contain_text("Goes on from 50%")
    await entry.get_by_role("button", name="Cancel").click()
    await expect(entry).to_contain_text("Cancelled")
    assert (await account.http.get("/v1/uploads")).json()["data"][0]["status"] == "cancelled"
    await visitor.page.reload()
    await expect(visitor.entry(video.name)).to_contain_text("Cancelled")


#: So many bytes a second leave the browser.
SLOWLY = 1_000_000
SAID = re.compile(r"([\d.]+) (MB|kB) of ([\d.]+) MB · ([\d.]+) (MB|kB)/s · (\d+) sec left")


async def test_the_speed_and_the_time_left_are_told_while_a_slow_line_carries_a_file(
    account: Account, open_page: Opener, video: Path
) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    await parts_go(visitor, "through the API")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOWLY}
    line = await visitor.page.context.new_cdp_session(visitor.page)
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", slow)
    await visitor.choose(video)
    facts = visitor.entry(video.name).locator(".facts")
    await expect(facts).to_have_text(SAID)
    said = SAID.fullmatch(await facts.inner_text())
    assert said is not None
    sent, speed = (float(number) * {"MB": 1.0, "kB": 0.001}[unit] for number, unit in (said.group(1, 2), said.group(4, 5)))
    assert 0 < sent < float(said[3]) == 17
    assert float(said[6]) == pytest.approx((float(said[3]) - sent) / speed, rel=0.2, abs=1)
    await visitor.entry(video.name).get_by_role("button", name="Pause").click()
    await expect(facts).not_to_contain_text("left")


async def test_an_empty_file_is_refused_before_it_is_announced_and_those_beside_it_are_sent(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    empty, other = (
        {"name": name, "mimeType": "video/mp4", "buffer": content} for name, content in (("nothing.mp4", b""), ("other.mp4", b"no video"))
    )
    await visitor.choose(empty, other)
    await expect(visitor.page.get_by_role("alert").first).to_have_text("nothing.mp4: The file is empty.")
    await expect(visitor.entry("other.mp4")).to_contain_text("Not accepted")
    assert [upload["filename"] for upload in (await account.http.get("/v1/uploads")).json()["data"]] == ["other.mp4"]


async def test_of_a_large_file_no_more_than_three_parts_are_in_memory(account: Account, open_page: Opener, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        file.truncate(5 * PART)
    visitor = await at_the_library(open_page, account)
    await visitor.choose(large)
    await expect(visitor.entry(large.name)).to_contain_text("Not accepted")
    assert sorted(await visitor.page.evaluate("sent")) == [1, 2, 3, 4, 5]
    assert await visitor.page.evaluate("most") == [3, PART]
    assert await visitor.page.evaluate("[...kinds]") == ["Blob"], "bytes that are handed over stay in Chromium's memory"


#: Drops a file on the bar; whether the browser was kept from opening it in place of the page.
DROPPED = """() => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["no video"], "dropped.mp4", { type: "video/mp4" }));
  return !document.getElementById("bar").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


async def test_a_file_that_is_dropped_beside_the_zone_is_sent_and_never_replaces_the_page(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/settings")
    assert await visitor.page.evaluate(DROPPED)
    await visitor.page.get_by_role("link", name="Library").click()
    await expect(visitor.page.get_by_role("heading", name="Drop videos here")).to_be_visible()
    assert await visitor.page.evaluate(DROPPED)
    await expect(visitor.entry("dropped.mp4")).to_contain_text("Not accepted")
    assert len((await account.http.get("/v1/uploads")).json()["data"]) == 1


async def test_whoever_leaves_the_page_while_it_sends_is_asked(account: Account, open_page: Opener, video: Path) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2)
    await visitor.choose(video)
    await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
    async with visitor.page.expect_event("dialog") as asked:
        await visitor.page.close(run_before_unload=True)
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.accept()
