"""The journey of somebody who has never heard of Valence: from signing up to a result, and to the same by a script."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from samples.script import DIALOGUE, ERRAND
from tests.command_line import valence
from tests.web.visitor import PASSWORD, Opener, playable, true_of

#: Counts the clicks of a person in this tab, over all of its documents; those that a script makes are not trusted.
CLICKS = """addEventListener("click", ({ isTrusted }) => {
  if (isTrusted) sessionStorage.setItem("clicks", Number(sessionStorage.getItem("clicks")) + 1);
}, true);"""
COUNT = "Number(sessionStorage.getItem('clicks'))"
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_new_comes_from_sign_up_to_a_result_and_does_the_same_by_a_script(
    open_page: Opener, url: str, tmp_path: Path
) -> None:
    visitor = await open_page()
    page = visitor.page
    await page.add_init_script(CLICKS)
    await visitor.go("/")
    await expect(page.get_by_label("E-mail address")).to_be_focused()
    await page.keyboard.type(f"{uuid4().hex}@example.org")
    await page.get_by_label("Password").click()
    await page.keyboard.type(PASSWORD)
    await page.get_by_role("button", name="Make an account").click()

    await expect(page.get_by_role("button", name="Try the sample")).to_be_visible()
    await page.get_by_role("button", name="Try the sample").click()
    await expect(page.get_by_role("heading", name="On the way")).to_be_visible()
    to_the_analysis = await page.evaluate(COUNT)
    second = {"name": "second.mp4", "mimeType": "video/mp4", "buffer": await asyncio.to_thread(DIALOGUE.read_bytes)}
    third = {"name": "third.mp4", "mimeType": "video/mp4", "buffer": await asyncio.to_thread(ERRAND.read_bytes)}
    await visitor.choose(second, third)
    stations = visitor.entry("sample.mp4").get_by_role("list", name="How far sample.mp4 has come").get_by_role("listitem")
    await expect(stations).to_have_text(["Upload done", "Received done", "Checked done", "Analysis now", "Result not yet"])
    for name in ("sample.mp4", "second.mp4", "third.mp4"):
        await expect(visitor.entry(name).get_by_role("link")).to_be_visible()

    before = await page.evaluate(COUNT)
    await visitor.entry("sample.mp4").get_by_role("link").click()
    await expect(page.get_by_role("heading", name="sample.mp4", level=1)).to_be_visible()
    assert to_the_analysis + await page.evaluate(COUNT) - before <= 4, "from signing up to a result"
    await page.go_back()
    await visitor.entry("second.mp4").get_by_role("link").click()
    await playable(page)
    await page.get_by_role("button", name="Play", exact=True).click()
    await true_of(page, "Number(document.querySelector('.playhead').style.getPropertyValue('--at')) > 0.02")
    await page.locator(".word", has_text="contract,").click()
    await expect(page.locator(".utterance[aria-current=true]")).to_contain_text("I have wonderful news!")
    await page.get_by_text("Download", exact=True).click()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="SRT").click()
    subtitles = await asyncio.to_thread((await (await downloading.value).path()).read_text)
    assert "We won the contract" in subtitles

    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("Name", exact=True).fill("a script")
    await page.get_by_role("button", name="Make a key").click()
    key = await page.locator("#new-key").inner_text()
    done = await asyncio.to_thread(
        valence, tmp_path, "analyse", str(ERRAND), "--captions", "--json", VALENCE_API_URL=url, VALENCE_API_KEY=key
    )
    assert done.returncode == 0, done.stderr
    by_script = json.loads(done.stdout)
    await page.get_by_role("link", name="Library").first.click()
    await expect(visitor.entry(ERRAND.name).get_by_role("link")).to_be_visible()
    assert by_script["analysis"]["utterances"]

    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Revoke: a script").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("No keys yet.")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
