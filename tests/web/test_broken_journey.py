"""The journey of a real video when everything on its way breaks once: the line while it is sent, and the server while it is worked on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from local.control import Control
from local.stack import Stack
from samples.script import DIALOGUE
from tests.waiting import until
from tests.web.held_parts import PART, at_the_library, parts_there
from tests.web.visitor import Account, Opener, playable

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """The sample in two parts: behind it lies a box of MP4 that players pass over."""
    path = tmp_path / "two parts.mp4"
    path.write_bytes(DIALOGUE.read_bytes() + (PART + 8).to_bytes(4) + b"free" + bytes(PART))
    return path


async def test_a_video_comes_to_its_result_though_its_sending_breaks_off_and_the_server_dies_while_it_is_worked_on(
    account: Account, open_page: Opener, stack: Stack, video: Path
) -> None:
    visitor, control = await at_the_library(open_page, account, hold_from=2), Control(stack.data)
    page, banner = visitor.page, visitor.page.locator(".banner")
    entry = visitor.entry(video.name)
    await asyncio.to_thread(control.kill, "validate", "SIGSTOP")  # until the server has died and come back
    try:
        await visitor.choose(video)
        await until(lambda: parts_there(account), "a part has come", holds=lambda parts: parts == [1])
        await page.context.set_offline(True)
        await page.evaluate("release()")
        await expect(entry).to_contain_text("No connection: goes on by itself")
        await page.evaluate("window.sent = []")
        await page.context.set_offline(False)
        stations = entry.get_by_role("list", name=f"How far {video.name} has come").get_by_role("listitem")
        await expect(stations.first).to_have_text("Upload done")
        assert await page.evaluate("sent") == [2]
        await expect(banner).to_be_hidden()
        await page.context.route("**/v1/events", lambda route: route.abort("connectionrefused"))
        await asyncio.to_thread(control.kill, "api", "SIGKILL")
        await expect(banner).to_be_visible()
        await page.context.unroute("**/v1/events")
        await expect(banner).to_be_hidden()
    finally:
        await asyncio.to_thread(control.kill, "validate", "SIGCONT")
    await entry.get_by_role("link").click()
    await playable(page)
    await expect(page.locator(".utterance").first).to_contain_text("Good morning.")
