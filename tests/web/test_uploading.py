"""Sending videos from the page: interrupted, paused, closed in the middle, given up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.waiting import until
from tests.web.visitor import Account, Opener, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

PART = 8 * 1024**2
PARTS = 3


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A file of three parts; what is in it does not matter, since nobody looks before it is complete."""
    path = tmp_path / "long talk.mp4"
    path.write_bytes(os.urandom(PART * (PARTS - 1) + 1_000))
    return path


async def parts_there(account: Account) -> list[int]:
    """The numbers of the parts of the account's only upload."""
    for upload in (await account.http.get("/v1/uploads")).json()["data"]:
        answer = await account.http.get(f"/v1/uploads/{upload['id']}/parts")
        return [part["number"] for part in answer.json().get("parts", [])]
    return []


#: Requests for parts are held back from a number on, and noted when they are sent. Playwright's own interception would copy each body.
HOLDING = """
window.holdFrom = Infinity; window.sent = [];
const held = new Map(), { open, send, abort } = XMLHttpRequest.prototype;
Object.assign(XMLHttpRequest.prototype, {
  open(method, address) { this.part = Number(address.split("/").pop()); open.call(this, method, address); },
  send(body) { if (this.part >= window.holdFrom) held.set(this, body); else { window.sent.push(this.part); send.call(this, body); } },
  abort() { if (held.delete(this)) this.dispatchEvent(new ProgressEvent("abort")); else abort.call(this); },
});
window.release = () => { window.holdFrom = Infinity; held.forEach((body, request) => request.send(body)); held.clear(); };
"""


async def at_the_library(open_page: Opener, account: Account, *, hold_from: int) -> Visitor:
    """A visitor whose parts stay back from a number on."""
    visitor = await open_page(account)
    await visitor.page.add_init_script(HOLDING)
    await visitor.go("/")
    await visitor.page.evaluate(f"window.holdFrom = {hold_from}")
    return visitor


async def test_what_was_interrupted_goes_on_with_what_is_missing_when_the_network_is_back(
    account: Account, open_page: Opener, video: Path
) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2)
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


async def test_a_closed_page_goes_on_when_the_same_file_is_chosen_again(account: Account, open_page: Opener, video: Path) -> None:
    visitor = await at_the_library(open_page, account, hold_from=2)
    await visitor.choose(video)
    await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
    await visitor.page.reload()
    entry = visitor.entry(video.name)
    await expect(entry).to_contain_text("Interrupted. Choose the same file again")
    other = video.with_name("another.mp4")
    other.write_bytes(b"no video")
    await entry.locator("input[type=file]").set_input_files(other)
    await expect(visitor.page.get_by_role("alert").first).to_contain_text("This is another file")
    await entry.locator("input[type=file]").set_input_files(video)
    await expect(entry).to_contain_text("Not accepted")
    assert sorted(await visitor.page.evaluate("sent")) == [2, 3]


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
