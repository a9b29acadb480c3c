"""Cancelling and deleting from the page."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from local.control import Control
from local.stack import Stack
from tests.media_samples import clip
from tests.web.visitor import Account, Opener, send

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_video_is_deleted_from_the_library_and_from_its_result_after_a_yes(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    for name in ("first.mp4", "second.mp4"):
        await send(account, clip(seconds=0.5), name)
    first, second = visitor.entry("first.mp4"), visitor.entry("second.mp4")
    await expect(first.get_by_role("link")).to_be_visible()
    await expect(second.get_by_role("link")).to_be_visible()
    dialog = visitor.page.get_by_role("dialog")
    await first.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(first).to_be_visible()
    await first.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(first).to_have_count(0)
    await second.get_by_role("link").click()
    await expect(visitor.page.get_by_role("heading", name="second.mp4", level=1)).to_be_visible()
    await visitor.page.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(visitor.page.get_by_role("button", name="Try the sample")).to_be_visible()
    assert (await account.http.get("/v1/uploads")).json()["data"] == []


async def test_a_video_that_is_worked_on_is_cancelled(account: Account, open_page: Opener, stack: Stack) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    control = Control(stack.data)
    await asyncio.to_thread(control.kill, "validate", "SIGSTOP")
    try:
        await send(account, clip(seconds=0.5), "unwanted.mp4")
        entry = visitor.entry("unwanted.mp4")
        await entry.get_by_role("button", name="Cancel").click()
        await expect(entry).to_contain_text("Cancelled")
    finally:
        await asyncio.to_thread(control.kill, "validate", "SIGCONT")
    assert (await account.http.get("/v1/uploads")).json()["data"][0]["status"] == "cancelled"
