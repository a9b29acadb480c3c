"""Somebody before the page: an account, a browser's page, and what goes wrong in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from playwright.async_api import Browser, ConsoleMessage, Locator, Page

from tests.waiting import DEADLINE_SECONDS, until

PATIENCE_MILLISECONDS = DEADLINE_SECONDS * 1000
PASSWORD = "seven rivers run to one sea"
#: What the console says of answers that are no success: which of them are meant to come, each test knows.
_REFUSED = re.compile(r"Failed to load resource|net::ERR_")
_OWN = {"Valence-Request": "1"}


class Account(NamedTuple):
    """An account of a test's own: its address, its cookies, and the API as this account asks it."""

    email: str
    cookies: dict[str, str]
    http: httpx.AsyncClient


@dataclass
class Visitor:
    """A page, and what its console and its policy have complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Open an address and wait until its view is there."""
        await self.page.goto(path)
        await self.page.locator("main:not([aria-busy])").wait_for()

    async def choose(self, *files: Path | dict[str, Any], captions: bool = True) -> None:
        """Choose files; their words are taken from their captions unless told otherwise, which is quick."""
        box = self.page.get_by_label("Take the words from the file’s captions")
        await box.set_checked(captions)
        await self.page.get_by_label("Choose files").set_input_files(list(files))  # type: ignore[arg-type]

    def entry(self, name: str) -> Locator:
        """What the library shows of a video."""
        return self.page.get_by_role("main").get_by_role("listitem").filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def note(self, message: ConsoleMessage) -> None:
        """Remember a complaint."""
        if message.type in ("error", "warning") and not _REFUSED.search(message.text):
            self.complaints.append(f"{message.text} ({message.location['url']})")


async def true_of(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true. Playwright's own way would need `unsafe-eval` in the page's policy."""
    await until(lambda: page.evaluate(expression), expression)


async def playable(page: Page) -> None:
    """Wait until the video knows its length."""
    await true_of(page, "document.querySelector('video')?.readyState > 0")


Opener = Callable[..., Awaitable[Visitor]]


async def opened(browser: Browser, url: str, account: Account | None = None, **options: Any) -> Visitor:
    """A page in a context of its own, signed in as an account if one is given."""
    given = {"viewport": {"width": 1440, "height": 900}, "base_url": url, "reduced_motion": "reduce", **options}
    context = await browser.new_context(**given)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    if account is not None:
        await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in account.cookies.items()])
    visitor = Visitor(await context.new_page())
    visitor.page.set_default_timeout(PATIENCE_MILLISECONDS)
    visitor.page.on("console", visitor.note)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    return visitor


async def make_account(url: str) -> Account:
    """A new account, by HTTP as the page does it."""
    email = f"{uuid4().hex}@example.org"
    http = httpx.AsyncClient(base_url=url, headers=_OWN, timeout=60)
    answer = await http.post("/v1/accounts", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return Account(email, dict(http.cookies), http)


async def send(account: Account, content: bytes, filename: str) -> str:
    """Upload a video with captions and return its id."""
    announced = (await account.http.post("/v1/uploads", json={"filename": filename, "options": {"captions": True}})).json()
    answer = await account.http.put(f"/v1/uploads/{announced['id']}/content", content=content)
    assert answer.status_code == 200, answer.text
    return str(announced["id"])


async def analyse(account: Account, video: Path, attempts: int = 1) -> str:
    """Upload a video, have it analysed so many times, and return its id."""
    content = await asyncio.to_thread(video.read_bytes)
    upload_id = await send(account, content, video.name)
    for attempt in range(1, attempts + 1):
        if attempt > 1:
            assert (await account.http.post(f"/v1/uploads/{upload_id}/retry")).status_code == 202
        await until(lambda: _is_complete(account, upload_id), "the analysis is there")
    return upload_id


async def _is_complete(account: Account, upload_id: str) -> bool:
    status = (await account.http.get(f"/v1/uploads/{upload_id}")).json()["status"]
    assert status not in ("rejected", "failed")
    return bool(status == "completed")
