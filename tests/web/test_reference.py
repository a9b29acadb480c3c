"""The API's reference: every route of the OpenAPI document, found by words, each with a command that can be copied."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.web.visitor import Opener

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_whoever_looks_for_a_route_finds_it_with_a_command_and_every_answer(url: str, open_page: Opener) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        paths = (await http.get("/v1/openapi.json")).json()["paths"]
    visitor = await open_page()
    await visitor.go("/reference")
    operations = visitor.page.locator(".operation")
    await expect(operations).to_have_count(sum(len(operations) for operations in paths.values()))
    await visitor.page.get_by_label("Search").fill("part-urls")
    await expect(visitor.page.locator(".operation:visible")).to_have_count(1)
    found = visitor.page.locator("#part_urls")
    await expect(found.locator(".example-command pre")).to_contain_text('"numbers":[1,2]')
    await found.get_by_role("button", name="Copy").click()
    copied = await visitor.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f'curl -X POST "{url}/v1/uploads/$UPLOAD_ID/part-urls"')
    refused = found.locator("details", has_text="no-such-upload")
    await refused.locator("summary").click()
    await expect(refused.locator("pre")).to_contain_text("problems/no-such-upload")
    await visitor.page.get_by_label("Search").fill("nothing has these words")
    await expect(visitor.page.get_by_text("No route has all of these words.")).to_be_visible()
