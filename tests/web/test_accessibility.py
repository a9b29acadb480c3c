"""Everybody can use it: axe finds nothing on any page in either theme, and no step needs a pointer."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.web.visitor import Account, Opener

#: Opens everything that can be opened, and waits until what is made only then is there.
OPEN_ALL = """async () => {
  const closed = [...document.querySelectorAll("details:not([open])")];
  await Promise.all(closed.map((one) => new Promise((opened) => {
    one.addEventListener("toggle", opened, { once: true });
    one.open = true;
  })));
}"""
#: The theme changes colours and nothing else (styles/tokens.css), so what axe says of all else is asked in one of them.
_OF_COLOURS = ["color-contrast", "link-in-text-block"]
_ASKED: dict[str, dict[str, object]] = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": _OF_COLOURS}}}
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def violations(page: Page, asked: dict[str, object]) -> list[tuple[str, list[str]]]:
    """What axe finds in the page as it is now: each rule with the elements that break it."""
    results = await Axe().run(page, options={"resultTypes": ["violations"], **asked})
    return [(found["id"], [node["html"] for node in found["nodes"]]) for found in results.response["violations"]]


async def in_every_look(page: Page, name: str) -> dict[str, list[tuple[str, list[str]]]]:
    """What axe finds with everything open, narrow and wide, light and dark."""
    found = {}
    await page.evaluate(OPEN_ALL)
    for width in (390, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than {width}"
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            found[f"{name} at {width}, {theme}"] = await violations(page, _ASKED[theme])
    return found


async def test_axe_finds_nothing_on_any_page_whatever_its_width_and_theme(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    stranger, owner = await open_page(), await open_page(account)
    views = [
        *((stranger, address) for address in ("/sign-up", "/sign-in", "/reset", "/#reset=token")),
        *(
            (owner, address)
            for address in (
                *("/", "/?q=contr*", "/?q=nobodysaysthis&emotion=fear"),
                *(f"/uploads/{upload_id}#t=21", "/settings", "/uploads/0193a000-0000-7000-8000-000000000001"),
            )
        ),
    ]
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for visitor, address in views:
        await visitor.go(address)
        found |= await in_every_look(visitor.page, address)
    assert {look: problems for look, problems in found.items() if problems} == {}, json.dumps(found, indent=1)


async def test_axe_finds_nothing_in_the_reference(open_page: Opener) -> None:
    visitor = await open_page()
    await visitor.go("/reference")
    found = {"the whole reference": await violations(visitor.page, {})}
    # Every route is drawn by the same lines of code: some of them stand for how all look when they are opened.
    await visitor.page.get_by_label("Search").fill("part")
    await expect(visitor.page.locator(".operation:visible .parameters")).not_to_have_count(0)
    found |= await in_every_look(visitor.page, "some routes of the reference")
    assert {look: problems for look, problems in found.items() if problems} == {}, json.dumps(found, indent=1)


async def test_a_result_is_reached_and_read_by_keyboard_alone(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, _ = analysed
    visitor = await open_page(account)
    await visitor.go("/")
    page = visitor.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    link = page.get_by_role("link", name="dialogue.mp4")
    for _ in range(13):
        await page.keyboard.press("Tab")
        if await link.evaluate("link => link === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="dialogue.mp4", level=1)).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.locator(".utterance[aria-current=true]")).to_contain_text("Good morning.")
