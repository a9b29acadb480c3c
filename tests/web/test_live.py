"""What moves is shown as it moves, over a restart of the server too."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Route, expect

from local.control import Control
from local.stack import Stack
from tests.media_samples import clip
from tests.waiting import until
from tests.web.visitor import Account, Opener, Visitor, send

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_restart_of_the_server_is_said_and_nothing_is_missed(account: Account, open_page: Opener, stack: Stack) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    banner = visitor.page.locator(".banner")
    await expect(banner).to_be_hidden()
    held = visitor.page.context  # however fast the server is back: it is away for the page until the page has said so
    await held.route("**/v1/events", lambda route: route.abort("connectionrefused"))
    await asyncio.to_thread(Control(stack.data).kill, "api", "SIGKILL")
    await expect(banner).to_be_visible()
    await expect(banner).to_contain_text("it reconnects by itself")
    await held.unroute("**/v1/events")
    await expect(banner).to_be_hidden()
    await expect(visitor.page.locator("#alerts")).to_have_text("Connected again. Everything is up to date.")
    await send(account, clip(seconds=0.5), "after the restart.mp4")
    await expect(visitor.entry("after the restart.mp4").get_by_role("link")).to_be_visible()


async def test_an_upload_from_elsewhere_appears_by_itself_and_its_end_is_told_to_screen_readers(
    account: Account, open_page: Opener
) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    await send(account, clip(seconds=0.5), "from elsewhere.mp4")
    await expect(visitor.entry("from elsewhere.mp4").get_by_role("link")).to_be_visible()
    await expect(visitor.page.locator("#announcements")).to_have_text("from elsewhere.mp4: Done")
    await visitor.entry("from elsewhere.mp4").get_by_role("link").click()
    await expect(visitor.page.get_by_text("Nobody speaks in it.")).to_be_visible()


async def at_one_in_work(account: Account, open_page: Opener, **options: str) -> Visitor:
    """The library of somebody whose only video is being analysed, for as long as the page is open."""
    announced = (await account.http.post("/v1/uploads", json={"filename": "one of many.mp4"})).json()
    in_work = {**announced, "status": "analysing", "sequence": 4, "progress": {"stage": "analyse", "ahead": 5, "seconds_left": None}}
    progress = {"upload_id": announced["id"], "sequence": 4, "progress": {"stage": "analyse", "ahead": 3, "seconds_left": 40}}
    void = {**progress, "sequence": 3, "progress": {"stage": "invoke", "ahead": 9, "seconds_left": 90}}
    told = [("snapshot", {"uploads": [in_work], "truncated": False}), ("progress", progress), ("progress", void)]
    body = "retry: 600000\n\n" + "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told)
    visitor = await open_page(account, **options)
    await visitor.page.route("**/v1/events", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    await visitor.go("/")
    return visitor


async def test_the_place_in_the_queue_and_the_time_left_are_shown_while_it_is_in_work(account: Account, open_page: Opener) -> None:
    visitor = await at_one_in_work(account, open_page)
    await expect(visitor.entry("one of many.mp4")).to_contain_text("The model watches and listens · 3 before it · about 40 sec left")


#: What moves while a video is analysed and a file is held over the zone: the kinds of animations, by their classes.
MOVING = """() => {
  document.querySelector(".drop").toggleAttribute("data-over", true);
  return [...new Set(document.getAnimations().map((one) => one.constructor.name))].sort();
}"""


@pytest.mark.parametrize(("wish", "moving"), [("no-preference", ["CSSAnimation", "CSSTransition"]), ("reduce", [])])
async def test_nothing_moves_for_whoever_asks_for_less_motion(account: Account, open_page: Opener, wish: str, moving: list[str]) -> None:
    visitor = await at_one_in_work(account, open_page, reduced_motion=wish)
    await expect(visitor.entry("one of many.mp4").locator("[data-state=now]")).to_be_visible()
    assert await visitor.page.evaluate(MOVING) == moving


async def test_what_is_not_accepted_says_why_and_that_a_retry_does_not_help(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    await visitor.choose({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no video at all"})
    entry = visitor.entry("notes.txt")
    await expect(entry).to_contain_text("Not accepted")
    await expect(entry).to_contain_text("Trying again with the same file does not help.")
    await expect(entry.get_by_role("button", name="Try again")).to_have_count(0)


async def test_the_library_shows_a_picture_of_each_video_and_a_sign_for_sound_alone(account: Account, open_page: Opener) -> None:
    await send(account, clip(seconds=0.5), "seen.mp4")
    await send(account, clip(video=None, seconds=0.5), "heard.mp4")
    visitor = await open_page(account)
    await visitor.go("/")
    picture = visitor.entry("seen.mp4").get_by_role("img", name="A picture from seen.mp4")
    await expect(picture).to_be_visible()
    await until(lambda: picture.evaluate("image => image.complete && image.naturalWidth"), "the picture is there")
    assert await picture.evaluate("image => [image.loading, image.getAttribute('width'), image.getAttribute('height')]") == [
        "lazy",
        "160",
        "90",
    ]
    await expect(visitor.entry("heard.mp4").locator(".thumbnail [data-icon=wave]")).to_be_visible()
    await expect(visitor.entry("heard.mp4").get_by_role("img")).to_have_count(0)


async def test_who_is_signed_out_elsewhere_is_asked_to_sign_in_and_comes_back(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/settings")
    assert (await account.http.delete("/v1/session")).status_code == 204
    await visitor.page.get_by_role("link", name="Library").first.click()
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await visitor.page.get_by_label("E-mail address").fill(account.email)
    await visitor.page.get_by_label("Password").fill("seven rivers run to one sea")
    await visitor.page.get_by_role("button", name="Sign in").click()
    await expect(visitor.page.get_by_role("button", name="Try the sample")).to_be_visible()


async def test_whose_session_is_ended_elsewhere_is_asked_to_sign_in_and_told_of_no_lost_connection(
    account: Account, open_page: Opener
) -> None:
    visitor = await open_page(account)
    await visitor.go("/")
    watching = """() => {
      const changed = new MutationObserver(() => { document.documentElement.dataset.lost = true; });
      changed.observe(document.querySelector(".banner"), { attributes: true, attributeFilter: ["hidden"] });
    }"""
    await visitor.page.evaluate(watching)
    assert (await account.http.delete("/v1/session")).status_code == 204
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(visitor.page.locator("#alerts")).to_have_text("Your session has ended: sign in again.")
    assert await visitor.page.evaluate("document.documentElement.dataset.lost") is None


async def test_a_server_that_takes_the_question_and_never_answers_is_a_lost_connection(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.page.add_init_script("const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 100);")
    await visitor.go("/")
    hanging: list[Route] = []

    async def keep(route: Route) -> None:
        hanging.append(route)

    await visitor.page.route("**/v1/session", keep)
    await visitor.page.route("**/v1/events", lambda route: route.abort("connectionrefused"))
    assert (await account.http.delete("/v1/session")).status_code == 204  # which ends the stream
    await expect(visitor.page.locator(".banner")).to_be_visible()
    assert hanging


async def test_who_goes_on_before_a_view_is_there_is_not_called_back(account: Account, open_page: Opener) -> None:
    visitor = await open_page(account)
    await visitor.go("/settings")
    late: list[Route] = []

    async def keep(route: Route) -> None:
        late.append(route)

    await visitor.page.route("**/v1/uploads?*", keep)
    await visitor.page.get_by_role("link", name="Library").click()
    await until(lambda: len(late), "the library asks for its list")
    await visitor.page.get_by_role("link", name="Settings").click()
    await expect(visitor.page.get_by_role("heading", name="API keys")).to_be_visible()
    async with visitor.page.expect_response("**/v1/uploads?*") as answering:
        await late[0].continue_()
    await (await answering.value).finished()
    await visitor.page.evaluate("fetch('/healthz').then(answer => answer.text())")  # a later answer than the late one
    await expect(visitor.page.get_by_role("heading", name="API keys")).to_be_visible()
