"""What strangers wrote is shown as it was written, and never acts."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from local.stack import Stack
from runtime.database import Database
from samples.script import ERRAND
from tests.chain import select
from tests.web.visitor import Account, Opener, analyse, playable, send, true_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script><b>bold</b>"


async def test_markup_in_a_files_name_is_shown_as_text(account: Account, open_page: Opener) -> None:
    await send(account, b"no video", MARKUP)
    visitor = await open_page(account)
    await visitor.go("/")
    await expect(visitor.entry(MARKUP)).to_contain_text("Not accepted")
    assert await visitor.page.title() == "Library · Valence"
    assert await visitor.page.locator("main img, main script, main b").count() == 0


async def test_a_name_that_would_turn_the_text_around_is_shown_as_it_is(account: Account, open_page: Opener) -> None:
    upload_id = await send(account, b"no video", "clip\u202e4pm.exe")
    await send(account, b"no video", "a\u061cb\u200ec\u200fd.mp4")
    await send(account, b"no video", "\u05d0\u05d1\u05d2.mp4")
    visitor = await open_page(account)
    await visitor.go("/")
    await expect(visitor.entry("clip\ufffd4pm.exe")).to_contain_text("Not accepted")
    await expect(visitor.entry("a\ufffdb\ufffdc\ufffdd.mp4")).to_contain_text("Not accepted")
    direction = "name => getComputedStyle(name).direction"
    assert await visitor.entry("\u05d0\u05d1\u05d2.mp4").locator("bdi").evaluate(direction) == "rtl"
    await visitor.go(f"/uploads/{upload_id}")
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("clip\ufffd4pm.exe")
    assert "\u202e" not in await visitor.page.title()


async def test_markup_in_a_transcript_is_shown_as_text_in_the_list_the_table_and_the_captions(
    account: Account, open_page: Opener, stack: Stack
) -> None:
    upload_id = await analyse(account, ERRAND)
    database = Database(stack.environment()["DATABASE_URL"], connections=1)
    statement = """update analyses set document = jsonb_set(jsonb_set(document, '{utterances,0,text}', to_jsonb(%s::text)),
                   '{utterances,0,words,0,text}', to_jsonb(%s::text)) where upload_id = %s"""
    await select(database, statement, MARKUP, MARKUP, upload_id)
    await database.close()
    visitor = await open_page(account)
    await visitor.go(f"/uploads/{upload_id}#t=1")
    page = visitor.page
    await playable(page)
    await expect(page.locator(".utterance").first).to_contain_text(MARKUP)
    await page.get_by_text("The same as a table").click()
    await expect(page.get_by_role("region", name="The same as a table")).to_contain_text(MARKUP)
    await page.keyboard.press("c")
    await true_of(page, "document.querySelector('video').textTracks[0].cues?.length > 0")
    shown = await page.evaluate("document.querySelector('video').textTracks[0].cues[0].getCueAsHTML().textContent")
    assert MARKUP.split(">")[0] in shown
    assert await page.locator("main img, main script, main b").count() == 0
    assert "owned" not in await page.title()
