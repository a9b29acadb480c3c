"""Webhooks on the page, with a real receiver on this machine."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.visitor import Account, Opener
from tests.webhook_receiver import Reply, receiving

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_webhook_is_added_tried_out_looked_at_replayed_paused_and_deleted(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/settings")
    section = visitor.page.get_by_role("region", name="Webhooks")
    await expect(section.get_by_text("No webhooks yet.")).to_be_visible()
    async with receiving() as receiver:
        receiver.replies.append(Reply(410, b"<b>gone</b> \x1b[2J"))
        await section.get_by_label("Address").fill(receiver.url)
        await section.get_by_label("failed videos").uncheck()
        await section.get_by_role("button", name="Add a webhook").click()
        secret = await section.locator("#new-secret").inner_text()
        (made,) = (await account.http.get("/v1/webhooks")).json()["data"]
        assert set(made["events"]) == {"analysis.persisted", "upload.rejected", "upload.expired", "upload.cancelled"}

        await section.get_by_role("button", name="Test").click()
        await receiver.wait_for(1)
        assert receiver.got[0].is_signed_by(secret)
        row = section.locator(".deliveries").get_by_role("listitem").filter(has_text="a test")

        async def refreshed() -> str:
            await section.get_by_role("button", name="Refresh").click()
            return await row.inner_text()

        while "not taken" not in await refreshed():
            pass  # the answer is recorded a moment after it was given
        await expect(row).to_contain_text("answered 410: <b>gone</b>")

        await visitor.page.reload()
        await expect(section).to_contain_text("stopped: its receiver says that it is gone")
        await section.get_by_role("button", name="Resume").click()
        await expect(section.get_by_role("button", name="Pause")).to_be_focused()
        await section.get_by_text("What it was told").click()
        await row.get_by_role("button", name="Send again").click()
        await receiver.wait_for(2)
        assert receiver.got[0].id == receiver.got[1].id

    await section.get_by_role("button", name="Delete").click()
    await visitor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(section.get_by_text("No webhooks yet.")).to_be_visible()
    assert (await account.http.get("/v1/webhooks")).json() == {"data": []}
