"""Parts that nobody takes: how often the page sends them, where else it tries, and how it ends. Pauses pass a thousand times as quickly."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from local.stack import Stack
from schemas.resources import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES
from tests.web.visitor import Account, Opener, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

HURRY = "const later = window.setTimeout; window.setTimeout = (call, pause) => later(call, pause / 1000);"
VIDEO = {"name": "talk.mp4", "mimeType": "video/mp4", "buffer": b"no video"}
THROUGH_THE_API = "**/v1/uploads/*/parts/*"


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(account: Account, open_page: Opener) -> Visitor:
    visitor = await open_page(account)
    await visitor.page.add_init_script(HURRY)
    await visitor.go("/")
    return visitor


@pytest.fixture
def storage(stack: Stack) -> str:
    """What a part's address at S3 is like."""
    return f"{stack.environment()['AWS_ENDPOINT_URL_S3']}/**"


async def refuse(visitor: Visitor, address: str, status: int, name: str = "busy") -> list[str]:
    """Have every request to these addresses refused; returns those that came, as they come."""
    refused: list[str] = []
    problem = {"type": PROBLEM_TYPES + name, "title": name, "status": status, "detail": f"it says {name}"}

    async def answer(route: Route) -> None:
        refused.append(route.request.url)
        await route.fulfill(status=status, json=problem, headers={"access-control-allow-origin": "*", "content-type": PROBLEM_MEDIA_TYPE})

    await visitor.page.route(address, answer)
    return refused


@pytest.mark.parametrize("status", [400, 403, 501])
async def test_what_s3_refuses_is_sent_there_once_more_to_a_new_address_and_then_through_the_server(
    visitor: Visitor, storage: str, status: int
) -> None:
    refused = await refuse(visitor, storage, status)
    await visitor.choose(VIDEO)
    await expect(visitor.entry("talk.mp4")).to_contain_text("Not accepted")
    assert len(refused) == 2


@pytest.mark.parametrize("way", ["straight", "through the API"])
async def test_what_is_always_busy_is_tried_ten_times_and_then_again_when_somebody_says_so(
    visitor: Visitor, storage: str, way: str
) -> None:
    await visitor.page.evaluate("way => { document.body.dataset.parts = way }", way)
    address = storage if way == "straight" else THROUGH_THE_API
    refused = await refuse(visitor, address, 503)
    await visitor.choose(VIDEO)
    entry = visitor.entry("talk.mp4")
    reason = "The storage does not take it (503)." if way == "straight" else "it says busy"
    await expect(entry).to_contain_text(f"It stopped: {reason} That was tried 10 times. What has arrived is kept for a day.")
    await expect(visitor.page.locator("#alerts")).to_contain_text("talk.mp4")
    assert len(refused) == 10
    await visitor.page.unroute(address)
    await entry.get_by_role("button", name="Try again").click()
    await expect(entry).to_contain_text("Not accepted")


async def test_what_the_server_refuses_even_after_s3_did_ends_with_its_reason(visitor: Visitor, storage: str) -> None:
    refused = await refuse(visitor, storage, 403)
    damaged = await refuse(visitor, THROUGH_THE_API, 422, "digest-mismatch")
    await visitor.choose(VIDEO)
    await expect(visitor.entry("talk.mp4")).to_contain_text("It stopped: it says digest-mismatch")
    assert (len(refused), len(damaged)) == (2, 2)


async def test_an_upload_whose_completion_was_answered_to_nobody_is_no_failure(visitor: Visitor) -> None:
    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionreset")

    await visitor.page.route("**/complete", lose, times=1)
    await visitor.choose(VIDEO)
    entry = visitor.entry("talk.mp4")
    await expect(entry).to_contain_text("Not accepted")
    assert await visitor.page.get_by_text("It stopped").count() == 0
