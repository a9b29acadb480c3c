"""Everybody can use it: axe finds nothing on any page in either theme, and no step needs a pointer."""

from __future__ import annotations

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
_FIND = "() => axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))"
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
  const cut = (one) => ["hidden", "clip"].includes(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1;
  const wrong = [...document.body.querySelectorAll("*")].filter((one) => seen(one) && (beyond(one) || cut(one)));
  return wrong.map((one) => one.outerHTML.slice(0, 200));
}"""
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds in the page as it is now, by all of its rules."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return [(rule, elements) for rule, elements in await page.evaluate(_FIND)]


async def in_every_look(page: Page, name: str) -> dict[str, list[tuple[str, list[str]]]]:
    """What axe finds with everything open, narrow and wide, light and dark."""
    found = {}
    await page.evaluate(OPEN_ALL)
    for width in (390, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            found[f"{name} at {width}, {theme}"] = await violations(page)
    return found


async def cut_at(page: Page, width: int) -> list[str]:
    """What is cut, or beyond the window's edge, in a window of this width, with everything open."""
    await page.set_viewport_size({"width": width, "height": 900})
    await page.evaluate(OPEN_ALL)
    wider = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*(["the page scrolls sideways"] if wider else []), *await page.evaluate(_CUT)]


def addresses(upload_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every view, as strangers and as the owner of an upload see them."""
    unknown = "/uploads/0193a000-0000-7000-8000-000000000001"
    strangers = ("/sign-up", "/sign-in", "/reset", "/#reset=token")
    return strangers, ("/", "/?q=contr*", "/?q=nobodysaysthis&emotion=fear", f"/uploads/{upload_id}#t=21", "/settings", unknown)


async def test_axe_finds_nothing_on_any_page_whatever_its_width_and_theme(analysed: tuple[Account, str], open_page: Opener) -> None:
    account, upload_id = analysed
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for visitor, paths in zip((await open_page(), await open_page(account)), addresses(upload_id), strict=True):
        for path in paths:
            await visitor.go(path)
            found |= await in_every_look(visitor.page, path)
    assert {look: problems for look, problems in found.items() if problems} == {}


async def test_axe_finds_nothing_in_the_reference(open_page: Opener) -> None:
    visitor = await open_page()
    await visitor.go("/reference")
    found = {"the whole reference": await violations(visitor.page)}
    # Every route is drawn by the same lines of code: some of them stand for how all look when they are opened.
    await visitor.page.get_by_label("Search").fill("part")
    await expect(visitor.page.locator(".operation:visible .parameters")).not_to_have_count(0)
    found |= await in_every_look(visitor.page, "some routes of the reference")
    assert {look: problems for look, problems in found.items() if problems} == {}


async def test_nothing_is_cut_and_nothing_scrolls_sideways_on_any_page_at_320_pixels(
    analysed: tuple[Account, str], account: Account, open_page: Opener
) -> None:
    await send(account, b"no video", "a_name_without_any_place_to_break_it_" * 5 + ".mp4")
    strangers, owners = addresses(analysed[1])
    found: dict[str, list[str]] = {}
    for who, paths in ((None, (*strangers, "/reference")), (analysed[0], owners), (account, ("/",))):
        visitor = await open_page(who)
        for path in paths:
            await visitor.go(path)
            for width in (320, 390, 768, 1440):
                found[f"{path} at {width}"] = await cut_at(visitor.page, width)
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
