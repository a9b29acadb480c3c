"""A real Chromium before the whole system: one browser and one stack for all tests here, a context of its own for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from local.background import running_stack
from local.preparation import prepare
from local.stack import Stack
from samples.script import DIALOGUE
from tests.web.visitor import PATIENCE_MILLISECONDS, Account, Opener, Visitor, analyse, make_account, opened

#: Nobody who runs the tests makes so many accounts by hand, and receivers of webhooks are on this machine. Parts go straight to S3:
#: a page that sends them through the API needs less to be right.
_SETTINGS = {
    "VALENCE_ACCOUNTS_SIGN_UPS_PER_HOUR": "1000",
    "VALENCE_WEBHOOKS_ALLOW_LOOPBACK": "true",
    "VALENCE_STORAGE_PAGE_SENDS_STRAIGHT": "true",
}


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is. Without one these tests are skipped, unless VALENCE_REQUIRE_BROWSER says that this is a failure."""
    found = shutil.which("chromium")
    if found is None and os.environ.get("VALENCE_REQUIRE_BROWSER"):
        pytest.fail("VALENCE_REQUIRE_BROWSER is set, and there is no chromium: install it (Debian: apt-get install chromium)")
    if found is None:
        pytest.skip("there is no chromium: the web page was not tested (Debian: apt-get install chromium)")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser that all tests share."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )


@pytest.fixture(scope="session")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything, as `valence local up` runs it."""
    with running_stack(Stack(tmp_path_factory.mktemp("web"), prepare=prepare, settings=_SETTINGS)) as up:
        yield up


@pytest.fixture(scope="session")
def url(stack: Stack) -> str:
    """The address of the page."""
    return stack.address("api")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def analysed(url: str) -> AsyncIterator[tuple[Account, str]]:
    """An account with the sample, words from its captions, analysed twice: who it is, and the upload's id."""
    account = await make_account(url)
    yield account, await analyse(account, DIALOGUE, attempts=2)
    await account.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def account(url: str) -> AsyncIterator[Account]:
    """A new account of the test's own."""
    made = await make_account(url)
    yield made
    await made.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, url: str) -> AsyncIterator[Opener]:
    """Opens a page in a context of its own; what the console or the policy complains of fails the test."""
    visitors: list[Visitor] = []

    async def open_one(account: Account | None = None, **options: object) -> Visitor:
        visitors.append(await opened(browser, url, account, **options))
        return visitors[-1]

    yield open_one
    for visitor in visitors:
        await visitor.page.context.close()
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    assert complaints == []
