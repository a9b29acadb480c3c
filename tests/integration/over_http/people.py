"""People who use the API with a browser: somebody with an address, a password and a cookie jar."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

import httpx

from schemas.resources import PROBLEM_TYPES
from tests.api_process import wait_until
from tests.mail_server import Mailbox

PASSWORD = "correct horse battery"
#: What our own page sends with everything.
OWN = {"Valence-Request": "1"}

_addresses = count(1)


@dataclass
class Person:
    """Somebody who has signed up: `http` carries the cookie."""

    http: httpx.AsyncClient
    email: str
    account_id: UUID

    @property
    def credentials(self) -> dict[str, str]:
        """What signs them in."""
        return {"email": self.email, "password": PASSWORD}


def browser(url: str, address: str | None = None) -> httpx.AsyncClient:
    """A browser at an address of its own, with our page open and no cookie yet."""
    number = next(_addresses)
    own = address or f"10.1.{number // 256}.{number % 256}"
    http = httpx.AsyncClient(base_url=url, headers={**OWN, "X-Forwarded-For": own, "User-Agent": "test browser"}, timeout=30)

    async def keep_cookie(answer: httpx.Response) -> None:
        """httpx sends no Secure cookie over plain http, and before the API stands a proxy that speaks https: the test plays it."""
        for header in answer.headers.get_list("set-cookie"):
            http.headers["Cookie"] = header.partition(";")[0]

    http.event_hooks["response"] = [keep_cookie]
    return http


def cookie(http: httpx.AsyncClient) -> dict[str, str]:
    """The cookie of a browser, as a thief would send it."""
    return {"Cookie": http.headers["Cookie"]}


async def sign_up(http: httpx.AsyncClient) -> Person:
    """Make an account of a new address."""
    email = f"{uuid4()}@example.org"
    answer = await http.post("/v1/accounts", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return Person(http, email, UUID(answer.json()["account"]["id"]))


async def confirm(person: Person, mailbox: Mailbox) -> None:
    """Open the link that was mailed at the sign-up; the mail is gone afterwards."""
    await asyncio.to_thread(wait_until, lambda: bool(mailbox.to(person.email)))
    (mail,) = mailbox.to(person.email)
    token = mail.get_content().partition("#verify=")[2].split()[0]
    answer = await person.http.put("/v1/email-verifications", json={"token": token})
    assert answer.status_code == 204, answer.text
    mailbox.mails.remove(mail)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the name of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix(PROBLEM_TYPES)
