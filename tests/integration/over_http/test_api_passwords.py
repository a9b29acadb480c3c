"""Passwords over real HTTP: changed, forgotten, and guessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from api import accounts, app
from api.passwords import Passwords
from runtime.database import Database
from runtime.settings import Settings
from tests.api_process import ApiProcess, Starter, wait_until
from tests.chain import select
from tests.integration.over_http.people import OWN, PASSWORD, Person, browser, confirm, cookie, problem, sign_up
from tests.mail_server import Mailbox, mail_server

NEW = "staple correct battery"
WRONG = "wrong wrong wrong"
#: Below this many tries an hour a guesser stays.
MOST_TRIES = 20


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    """A mail server."""
    with mail_server() as opened:
        yield opened


@pytest.fixture(scope="module")
def api(start_api: Starter, mailbox: Mailbox) -> Iterator[ApiProcess]:
    """An API that sends mail."""
    environment = {
        "VALENCE_MAIL_HOST": "127.0.0.1",
        "VALENCE_MAIL_PORT": str(mailbox.port),
        "VALENCE_MAIL_SECURITY": "none",
        "VALENCE_API_PUBLIC_URL": "https://valence.example",
    }
    with start_api(environment) as process:
        yield process


@pytest.fixture
async def person(api: ApiProcess, mailbox: Mailbox) -> AsyncIterator[Person]:
    """Somebody who has just signed up, and confirmed the address."""
    async with browser(api.url) as http:
        somebody = await sign_up(http)
        await confirm(somebody, mailbox)
        yield somebody


async def sign_in(http: httpx.AsyncClient, email: str, password: str, **headers: str) -> httpx.Response:
    return await http.post("/v1/session", json={"email": email, "password": password}, headers=headers)


async def test_no_session_begins_with_a_password_that_was_changed_while_it_was_checked(
    settings: Settings, database: Database, person: Person
) -> None:
    class Overtaken(Passwords):
        async def matches(self, password: str, stored: str | None) -> bool:
            found = await super().matches(password, stored)
            await database.rows("set_password", id=person.account_id, password_hash=await self.hash(NEW))
            return found

    services = replace(app.connect(settings), database=database, passwords=Overtaken())
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        assert problem(await sign_in(http, person.email, PASSWORD)) == (401, "wrong-credentials")
    sessions = await select(database, "select count(*) as number from sessions where account_id = %s", person.account_id)
    assert sessions[0]["number"] == 1  # the one of the sign-up


async def test_an_address_costs_the_same_hashes_whether_or_not_it_has_an_account(
    settings: Settings, database: Database, person: Person
) -> None:
    class Counted(Passwords):
        def __init__(self) -> None:
            super().__init__()
            self.made: list[str] = []

        async def matches(self, password: str, stored: str | None) -> bool:
            self.made.append("compared")
            return await super().matches(password, stored)

        async def hash(self, password: str) -> str:
            self.made.append("made")
            return await super().hash(password)

    found = []
    for email in (person.email, f"{uuid4()}@example.org"):
        counted = Counted()
        services = replace(app.connect(settings), database=database, passwords=counted)
        transport = httpx.ASGITransport(cast("Any", app.create_app(services)))
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=OWN) as http:
            assert problem(await sign_in(http, email, WRONG)) == (401, "wrong-credentials")
            signed_up = await http.post("/v1/accounts", json={"email": email, "password": PASSWORD})
            found.append((signed_up.status_code, counted.made))
    assert found == [(409, ["compared", "made"]), (201, ["compared", "made"])]


async def test_a_change_that_began_before_a_reset_does_not_undo_it(settings: Settings, database: Database, person: Person) -> None:
    class Overtaken(Passwords):
        async def hash(self, password: str) -> str:
            await database.rows("set_password", id=person.account_id, password_hash=await super().hash("what the reset has set"))
            return await super().hash(password)

    services = replace(app.connect(settings), database=database, passwords=Overtaken())
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))
    async with httpx.AsyncClient(transport=transport, base_url="https://api", headers=person.http.headers) as http:
        answer = await http.put("/v1/account/password", json={"current_password": PASSWORD, "new_password": NEW})
    assert problem(answer) == (403, "wrong-password")
    (kept,) = await database.rows("account_by_id", id=person.account_id)
    assert await Passwords().matches("what the reset has set", kept["password_hash"])


async def test_a_changed_password_ends_every_other_session(api: ApiProcess, person: Person) -> None:
    async with browser(api.url) as phone:
        await sign_in(phone, person.email, PASSWORD)
        change = {"current_password": PASSWORD, "new_password": NEW}
        assert (await person.http.put("/v1/account/password", json=change)).status_code == 204
        assert problem(await phone.get("/v1/session")) == (401, "session-ended")
        assert (await person.http.get("/v1/session")).status_code == 200
        assert problem(await sign_in(phone, person.email, PASSWORD)) == (401, "wrong-credentials")
        assert (await sign_in(phone, person.email, NEW)).status_code == 200


async def test_a_stolen_session_does_not_help_to_guess_the_password(person: Person) -> None:
    change = {"current_password": WRONG, "new_password": NEW}
    answers = [problem(await person.http.put("/v1/account/password", json=change)) for _ in range(11)]
    assert answers == [(403, "wrong-password")] * 10 + [(429, "too-many-tries")]


async def test_a_forgotten_password_is_reset_once_by_a_link_that_only_its_owner_gets(
    api: ApiProcess, person: Person, mailbox: Mailbox, database: Database
) -> None:
    async with browser(api.url) as elsewhere:
        asked = await elsewhere.post("/v1/password-resets", json={"email": person.email}, headers={"Host": "evil.example"})
        assert (asked.status_code, asked.content) == (202, b"")
        await asyncio.to_thread(wait_until, lambda: bool(mailbox.to(person.email)))
        (mail,) = mailbox.to(person.email)
        token = mail.get_content().partition("https://valence.example/#reset=")[2].split()[0]
        stored = await select(database, "select encode(token_sha256, 'escape') as kept from password_resets")
        assert token not in str(stored)
        weak = await elsewhere.put("/v1/password-resets", json={"token": token, "new_password": "short"})
        assert problem(weak) == (422, "weak-password")
        both = await asyncio.gather(*(elsewhere.put("/v1/password-resets", json={"token": token, "new_password": NEW}) for _ in range(2)))
        assert sorted(answer.status_code for answer in both) == [204, 404]
        assert problem(await person.http.get("/v1/session")) == (401, "session-ended")
        assert problem(await sign_in(elsewhere, person.email, PASSWORD)) == (401, "wrong-credentials")
        assert (await sign_in(elsewhere, person.email, NEW)).status_code == 200


async def test_a_link_works_for_half_an_hour(api: ApiProcess, person: Person, mailbox: Mailbox, database: Database) -> None:
    async with browser(api.url) as http:
        await http.post("/v1/password-resets", json={"email": person.email})
        await asyncio.to_thread(wait_until, lambda: bool(mailbox.to(person.email)))
        token = mailbox.to(person.email)[0].get_content().partition("#reset=")[2].split()[0]
        await select(
            database, "update password_resets set expires_at = expires_at - interval '30 minutes' where account_id = %s", person.account_id
        )
        answer = await http.put("/v1/password-resets", json={"token": token, "new_password": NEW})
    assert problem(answer) == (404, "reset-link-used")


async def test_an_address_without_an_account_gets_the_same_answer_and_no_mail(api: ApiProcess, person: Person, mailbox: Mailbox) -> None:
    unknown = f"{uuid4()}@example.org"
    async with browser(api.url) as http:
        for email in (unknown, person.email):
            answer = await http.post("/v1/password-resets", json={"email": email})
            assert (answer.status_code, answer.content) == (202, b"")
    await asyncio.to_thread(wait_until, lambda: bool(mailbox.to(person.email)))
    assert mailbox.to(unknown) == []


async def test_nobody_is_buried_in_mails(api: ApiProcess, person: Person) -> None:
    answers = []
    for _ in range(6):
        async with browser(api.url) as http:
            answers.append((await http.post("/v1/password-resets", json={"email": person.email})).status_code)
    assert answers == [202] * 5 + [429]


async def test_a_guesser_at_one_address_gets_fewer_than_20_tries_an_hour_also_at_once_and_on_two_replicas(
    api: ApiProcess, start_api: Starter, person: Person, database: Database
) -> None:
    with start_api() as replica:
        async with browser(api.url, "10.9.0.1") as here, browser(replica.url, "10.9.0.1") as there:
            answers = await asyncio.gather(
                *(sign_in(http, f"{uuid4()}@example.org", WRONG) for http in (here, there) for _ in range(MOST_TRIES))
            )
            refused = [answer for answer in answers if answer.status_code == 429]
            assert len(answers) - len(refused) == 10
            assert all(0 < int(answer.headers["retry-after"]) <= 450 for answer in refused)
            assert {problem(answer) for answer in refused} == {(429, "too-many-tries")}
            tries = 10
            for _ in range(8):  # what leaks out of the bucket in the hour after
                await select(database, "update throttles set empty_at = empty_at - interval '450 s' where subject = 'sign-in at 10.9.0.1'")
                assert (await sign_in(here, f"{uuid4()}@example.org", WRONG)).status_code == 401
                assert (await sign_in(there, f"{uuid4()}@example.org", WRONG)).status_code == 429
                tries += 1
            assert tries < MOST_TRIES
        async with browser(api.url) as elsewhere:
            assert (await sign_in(elsewhere, person.email, PASSWORD)).status_code == 200


async def test_a_guesser_with_many_addresses_gets_as_few_and_does_not_lock_the_owner_out(
    api: ApiProcess, person: Person, database: Database
) -> None:
    answers = []
    for _ in range(12):
        async with browser(api.url) as http:
            answers.append((await sign_in(http, person.email, WRONG)).status_code)
    assert answers == [401] * 10 + [429] * 2
    async with browser(api.url) as stranger:
        assert (await sign_in(stranger, person.email, PASSWORD)).status_code == 429
    assert (await sign_in(person.http, person.email, PASSWORD)).status_code == 200
    events = (await person.http.get("/v1/audit?limit=100")).json()["data"]
    actions = [event["action"] for event in events]
    assert actions.count("account:login:failure") == 10
    assert actions.count("account:login:throttled") == 1
    assert len({event["address"] for event in events if event["action"] == "account:login:failure"}) == 10


async def test_whoever_knows_the_password_may_sign_in_as_often_as_they_like(api: ApiProcess, person: Person) -> None:
    async with browser(api.url) as http:
        assert {(await sign_in(http, person.email, PASSWORD)).status_code for _ in range(MOST_TRIES)} == {200}


async def test_a_whole_network_of_version_6_is_one_guesser(api: ApiProcess) -> None:
    statuses = []
    for number in range(12):
        async with browser(api.url, f"2001:db8:1:2::{number:x}") as http:
            statuses.append((await sign_in(http, f"{uuid4()}@example.org", WRONG)).status_code)
    assert statuses == [401] * 10 + [429] * 2


async def test_the_audit_log_tells_what_happened_without_secrets_and_without_control_characters(person: Person) -> None:
    hostile = "curl\t\x85" + "x" * 500
    headers = {"User-Agent": hostile.encode("latin-1")}
    await person.http.post("/v1/session", json=person.credentials, headers=headers)  # type: ignore[arg-type]  # bytes are taken too
    page = (await person.http.get("/v1/audit?limit=1")).json()
    (event,) = page["data"]
    assert event["action"] == "account:login:success"
    assert event["user_agent"] == ("curl\\t\\x85" + "x" * 500)[:200]
    rest = (await person.http.get(f"/v1/audit?after={page['next_cursor']}")).json()
    assert [event["action"] for event in rest["data"]] == ["account:email:verify", "account:email:verification-request", "account:create"]
    assert rest["next_cursor"] is None
    token = cookie(person.http)["Cookie"].partition("=")[2]
    assert not any(secret in str([page, rest]) for secret in (PASSWORD, token))


async def test_the_audit_log_has_every_event_of_a_password_a_session_and_a_plan(
    api: ApiProcess, person: Person, mailbox: Mailbox, database: Database
) -> None:
    async with browser(api.url) as phone:
        await sign_in(phone, person.email, PASSWORD)
        await phone.delete("/v1/session")
        await sign_in(phone, person.email, PASSWORD)
        await person.http.delete("/v1/sessions")
    for current in (WRONG, PASSWORD):
        await person.http.put("/v1/account/password", json={"current_password": current, "new_password": NEW})
    await accounts.set_plan(database, person.email, "free")
    await person.http.post("/v1/password-resets", json={"email": person.email})
    await asyncio.to_thread(wait_until, lambda: any("#reset=" in mail.get_content() for mail in mailbox.to(person.email)))
    token = mailbox.to(person.email)[-1].get_content().partition("#reset=")[2].split()[0]
    assert (await person.http.put("/v1/password-resets", json={"token": token, "new_password": PASSWORD})).status_code == 204
    assert (await sign_in(person.http, person.email, PASSWORD)).status_code == 200
    events = (await person.http.get("/v1/audit")).json()["data"][:9]
    said = "logout login:success session:end password:wrong password:change plan:set password:reset-request password:reset login:success"
    assert " ".join(event["action"].removeprefix("account:") for event in reversed(events)) == said


async def test_nobody_reads_another_accounts_audit_log(api: ApiProcess, person: Person) -> None:
    async with browser(api.url) as http:
        other = await sign_up(http)
        events = (await other.http.get("/v1/audit")).json()["data"]
    assert {event["action"] for event in events} <= {"account:create", "account:email:verification-request"}


async def test_a_closed_account_is_gone_and_its_receipt_can_be_read_by_whoever_has_it(api: ApiProcess, person: Person) -> None:
    key = (await person.http.post("/v1/keys", json={"name": "script"})).json()["key"]
    wrong = await person.http.request("DELETE", "/v1/account", json={"password": WRONG})
    assert problem(wrong) == (403, "wrong-password")
    answer = await person.http.request("DELETE", "/v1/account", json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["kind"], answer.json()["uploads"]) == ("account", 0)
    async with browser(api.url) as anybody:
        receipt = await anybody.get(answer.headers["location"])
        assert receipt.json()["id"] == answer.json()["id"]
        assert problem(await anybody.get(f"/v1/receipts/{uuid4()}")) == (404, "no-such-receipt")
        assert problem(await sign_in(anybody, person.email, PASSWORD)) == (401, "wrong-credentials")
        assert problem(await anybody.get("/v1/uploads", headers={"Authorization": f"Bearer {key}"})) == (401, "unknown-key")
        again = await anybody.post("/v1/accounts", json=person.credentials)
        assert again.status_code == 201, "the address is free again"
