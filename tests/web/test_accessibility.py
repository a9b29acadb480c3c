"""Everybody can use it: axe finds nothing on any page in either theme, and no step needs a pointer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.web.visitor import Account, Opener, send

#: Opens everything that can be opened, and waits until what is made only then is there.
OPEN_ALL = """async () => {
  const closed = [...document.querySelectorAll("details:not([open])")];
  await Promise.all(closed.map((one) => new Promise((opened) => {
    one.addEventListener("toggle", opened, { once: true });
    one.open = true;
  })));
}"""
#: What axe finds: each rule with the elements that break it, and nothing else, since the rest is long.
_FIND = """(options) => axe.run(document, { resultTypes: ["violations"], ...options })
  .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))"""
#: The rules about colours, which are what a theme changes. They take most of axe's time.
_COLOURS = ("color-contrast", "link-in-text-block")
ABOUT_COLOURS = {"runOnly": list(_COLOURS)}
NOT_ABOUT_COLOURS = {"rules": {rule: {"enabled": False} for rule in _COLOURS}}
#: Leaves of the reference's routes one for each method, and tells which methods those are.
ONE_OF_EACH = """() => {
  const kept = new Map();
  for (const one of document.querySelectorAll(".operation")) {
    const method = one.querySelector(".verb").textContent;
    if (kept.has(method)) one.remove(); else kept.set(method, one);
  }
  return [...kept.keys()].sort();
}"""
#: What cannot be seen whole without scrolling sideways, or at all: what is cut, and what lies beyond the window. What scrolls by itself is
#: meant to, and what is hidden from sight is for screen readers.
_CUT = """() => {
  const ways = (one) => { const ways = []; for (let up = one; up; up = up.parentElement) ways.push(up); return ways; };
  const scrolls = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
  const seen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && !ways(one).some((up) => up.matches(".visually-hidden, .skip, svg, video"));
  const beyond = (one) => {
    const { left, right, width } = one.getBoundingClientRect();
    return width && (left < -1 || right > innerWidth + 1) && !ways(one.parentElement).some(scrolls);
  };
  const cut = (one) => one.scrollWidth > one.clientWidth + 1 && ["hidden", "clip"].includes(getComputedStyle(one).overflowX);
  const wrong = [...document.body.querySelectorAll("*")].filter((one) => (beyond(one) || cut(one)) && seen(one));
  return wrong.map((one) => one.outerHTML.slice(0, 200));
}"""
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def violations(page: Page, options: Mapping[str, object] | None = None) -> list[tuple[str, list[str]]]:
    """What axe finds in the page as it is now, by all of its rules or some."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return [(rule, elements) for rule, elements in await page.evaluate(_FIND, options or {})]


async def in_every_look(page: Page, name: str) -> dict[str, list[tuple[str, list[str]]]]:
    """What axe finds with everything open: narrow and wide by all rules, and in the other theme by those about colours."""
    found = {}
    await page.evaluate(OPEN_ALL)
    await page.emulate_media(color_scheme="light")
    for width in (390, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        found[f"{name} at {width}, light"] = await violations(page)
    await page.emulate_media(color_scheme="dark")
    found[f"{name}, dark"] = await violations(page, ABOUT_COLOURS)
    return found


async def cut(page: Page, name: str) -> dict[str, list[str]]:
    """What is cut, or beyond the window's edge, with everything open, from 320 pixels to a wide window."""
    found = {}
    await page.evaluate(OPEN_ALL)
    for width in (320, 390, 768, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        wider = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[f"{name} at {width}"] = [*(["the page scrolls sideways"] if wider else []), *await page.evaluate(_CUT)]
    return found


def addresses(upload_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every view, as strangers and as the owner of an upload see them."""
    unknown = "/uploads/0193a000-0000-7000-8000-000000000001"
    strangers = ("/sign-up", "/sign-in", "/reset", "/#reset=token")
    return strangers, ("/", "/?q=contr*", "/?q=nobodysaysthis&emotion=fear", f"/uploads/{upload_id}#t=21", "/settings", unknown)


async def test_nothing_is_cut_and_axe_finds_nothing_on_any_page_whatever_its_width_and_theme(
    analysed: tuple[Account, str], open_page: Opener
) -> None:
    account, upload_id = analysed
    found: dict[str, object] = {}
    for visitor, paths in zip((await open_page(), await open_page(account)), addresses(upload_id), strict=True):
        for path in paths:
            await visitor.go(path)
            found |= await cut(visitor.page, path)
            found |= await in_every_look(visitor.page, path)
    assert {look: problems for look, problems in found.items() if problems} == {}


async def test_nothing_is_cut_and_axe_finds_nothing_in_the_reference(open_page: Opener) -> None:
    visitor = await open_page()
    await visitor.go("/reference")
    found: dict[str, object] = {"the whole reference": await violations(visitor.page, NOT_ABOUT_COLOURS)}
    found |= await cut(visitor.page, "the whole reference")
    # Every route is drawn by the same lines of code: one of each method stands for how all look.
    assert await visitor.page.evaluate(ONE_OF_EACH) == ["delete", "get", "patch", "post", "put"]
    found |= await in_every_look(visitor.page, "a route of each method")
    assert {look: problems for look, problems in found.items() if problems} == {}


async def test_a_name_without_any_place_to_break_it_makes_nothing_wider_than_the_window(account: Account, open_page: Opener) -> None:
    name = "a_name_without_any_place_to_break_it_" * 5 + ".mp4"
    await send(account, b"no video", name)
    visitor = await open_page(account)
    await visitor.go("/")
    await expect(visitor.entry(name)).to_be_visible()
    found = await cut(visitor.page, "the library")
    assert {look: elements for look, elements in found.items() if elements} == {}


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
