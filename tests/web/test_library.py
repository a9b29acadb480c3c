"""The library on the page: a search leads to the moment, is kept in the address, and what it finds can be taken along."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from local.stack import Stack
from samples.script import ERRAND
from tests.web.visitor import Account, Opener, playable, send, true_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SIZES = """async (counts) => {
  const { bytes } = await import(`${document.body.dataset.static}/scripts/formats.js`);
  return counts.map(bytes);
}"""


async def test_a_search_leads_to_the_moment_and_back(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    visitor = await open_page(account)
    page = visitor.page
    await visitor.go("/")
    row = visitor.entry("dialogue.mp4")
    await expect(row.get_by_role("link")).to_have_count(1)
    await page.get_by_role("searchbox").fill("contr*")
    hit = row.get_by_role("list", name="Moments").get_by_role("link").first
    await expect(hit.locator("mark")).to_have_text("contract")
    await expect(page.locator("#announcements")).to_have_text("1 video found")
    await true_of(page, "location.search === '?q=contr*'")
    found = (await account.http.get("/v1/uploads", params={"q": "contr*"})).json()["data"][0]["found"]["hits"][0]
    await hit.click()
    await true_of(page, f"location.pathname === '/uploads/{upload_id}'")
    await playable(page)
    await true_of(page, f"Math.abs(document.querySelector('video').currentTime - {found['start']}) < 0.3")
    await page.go_back()
    await expect(page.get_by_role("searchbox")).to_have_value("contr*")
    await expect(hit).to_be_visible()


async def test_what_was_ingested_has_the_name_of_its_object(account: Account, stack: Stack, open_page: Opener, tmp_path: Path) -> None:
    await asyncio.to_thread(shutil.copy, ERRAND, tmp_path / "errand.mp4")
    owner = (await account.http.get("/v1/account")).json()["id"]
    command = [sys.executable, "-m", "cli", "ingest", str(tmp_path), "--account", owner, "--captions", "--data", str(stack.data)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    visitor = await open_page(account)
    await visitor.go("/")
    await expect(visitor.entry("errand.mp4")).to_be_visible()


async def test_a_few_bytes_are_told_as_such(analysed: tuple[Account, str], open_page: Opener) -> None:
    visitor = await open_page(analysed[0])
    await visitor.go("/")
    assert await visitor.page.evaluate(_SIZES, [0, 1, 212, 403_159]) == ["0 bytes", "1 byte", "212 bytes", "403 kB"]


async def test_filters_stay_in_the_address_and_an_empty_result_helps(analysed: tuple[Account, str], open_page: Opener) -> None:
    visitor = await open_page(analysed[0])
    page = visitor.page
    await visitor.go("/?q=nobodysaysthis&emotion=fear&status=failed&days=7")
    await expect(page.get_by_label("Any emotion")).to_have_value("fear")
    await expect(page.get_by_label("Any status")).to_have_value("failed")
    await expect(page.get_by_label("Any time")).to_have_value("7")
    await expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    await expect(page.get_by_text("budg* finds budget and budgets")).to_be_visible()
    await expect(visitor.entry("dialogue.mp4")).to_have_count(0)
    await page.get_by_role("button", name="Clear the search").click()
    await expect(visitor.entry("dialogue.mp4")).to_be_visible()
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await true_of(page, "location.search === ''")
    await page.get_by_label("Any status").select_option("Not finished")
    await expect(page.locator("#announcements")).to_contain_text("Nothing found")
    await page.get_by_label("Any status").select_option("Finished")
    await expect(visitor.entry("dialogue.mp4")).to_be_visible()


async def test_what_is_found_is_taken_along_in_one_archive(analysed: tuple[Account, str], open_page: Opener) -> None:
    visitor = await open_page(analysed[0])
    await visitor.go("/?q=contr*")
    await visitor.page.get_by_text("Download all").click()
    async with visitor.page.expect_download() as downloading:
        await visitor.page.get_by_role("link", name="ELAN").click()
    path = await (await downloading.value).path()
    names = await asyncio.to_thread(lambda: zipfile.ZipFile(path).namelist())
    assert sorted(names) == ["dialogue.eaf", "manifest.json"]
    menu = visitor.page.locator("details.menu")
    await expect(menu).not_to_have_attribute("open", "")
    await visitor.page.get_by_text("Download all").click()
    await expect(menu).to_have_attribute("open", "")
    await visitor.page.get_by_text("Live", exact=True).click()
    await expect(menu).not_to_have_attribute("open", "")


async def test_what_comes_while_something_is_searched_does_not_mix_with_what_is_found(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await send(account, b"no video", "first.mp4")
    await visitor.go("/")
    await expect(visitor.entry("first.mp4")).to_be_visible()
    await visitor.page.get_by_role("searchbox").fill("first")
    await expect(visitor.page.locator("#announcements")).to_have_text("1 video found")
    await send(account, b"no video either", "second.mp4")
    await expect(visitor.page.locator("#announcements")).to_contain_text("second.mp4: Not accepted")
    await expect(visitor.entry("second.mp4")).to_have_count(0)
    await visitor.page.get_by_role("searchbox").fill("")
    await expect(visitor.entry("second.mp4")).to_be_visible()


async def test_who_comes_back_to_a_list_finds_it_as_long_and_where_it_was_left(account: Account, open_page: Opener) -> None:
    for number in range(45):
        upload_id = (await account.http.post("/v1/uploads", json={"filename": f"{number}.mp4"})).json()["id"]
        assert (await account.http.post(f"/v1/uploads/{upload_id}/cancel")).status_code == 200
    visitor = await open_page(account)
    page = visitor.page
    # Without the stream, which knows the newest fifty by itself.
    await page.add_init_script("window.EventSource = class extends EventTarget { close() {} };")
    await visitor.go("/")
    rows = page.locator(".library-row")
    await expect(rows).to_have_count(20)
    for count in (40, 45):
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(count)
    await visitor.entry("3.mp4").scroll_into_view_if_needed()
    place = await page.evaluate("scrollY")
    assert place > 0
    await page.evaluate("document.querySelector('a[href=\"/settings\"]').click()")
    await expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(45)
    await true_of(page, f"Math.abs(scrollY - {place}) < 2")
    await page.get_by_role("searchbox").fill("mp4")
    await expect(rows).to_have_count(20)
