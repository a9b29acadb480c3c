"""Whose address an account has, over real HTTP and by real mail: a stranger who signs up with somebody else's keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from api import accounts
from api.accounts import Scope
from runtime import database as databases
from runtime.database import Database
from tests.api_process import ApiProcess, Starter, wait_until
from tests.chain import select
from tests.command_line import valence
from tests.integration.over_http.people import PASSWORD, Person, browser, problem, sign_up
from tests.mail_server import Mailbox, mail_server
from tests.waiting import until

NEW = "staple correct battery"
PUBLIC = "https://valence.example"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    """A mail server."""
    with mail_server() as opened:
        yield opened


@pytest.fixture(scope="module")
def api(start_api: Starter, mailbox: Mailbox) -> Iterator[ApiProcess]:
    """An API that sends mail."""
    mail = {"VALENCE_MAIL_HOST": "127.0.0.1", "VALENCE_MAIL_PORT": str(mailbox.port), "VALENCE_MAIL_SECURITY": "none"}
    with start_api({**mail, "VALENCE_API_PUBLIC_URL": PUBLIC}) as process:
        yield process


@pytest.fixture
async def person(api: ApiProcess) -> AsyncIterator[Person]:
    """Somebody who has just signed up."""
    async with browser(api.url) as http:
        yield await sign_up(http)


async def mailed(mailbox: Mailbox, person: Person, kind: str, number: int = 0) -> str:
    """The token of a link that was mailed to somebody."""

    def links() -> list[str]:
        texts = [mail.get_content() for mail in mailbox.to(person.email)]
        return [text.partition(f"#{kind}=")[2].split()[0] for text in texts if f"#{kind}=" in text]

    await asyncio.to_thread(wait_until, lambda: len(links()) > number)
    return links()[number]


async def make_key(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post("/v1/keys", json={"name": "mine"})


async def test_an_account_uploads_at_once_and_makes_keys_once_its_address_is_confirmed(person: Person, mailbox: Mailbox) -> None:
    account = (await person.http.get("/v1/account")).json()
    assert (account["must_verify_email"], account["email_verified_at"]) == (True, None)
    assert (await person.http.post("/v1/uploads", json={"filename": "x.mp4"})).status_code == 201
    assert problem(await make_key(person.http)) == (403, "email-unverified")
    assert problem(await person.http.post("/v1/webhooks", json={"url": "https://1.1.1.1/hook"})) == (403, "email-unverified")
    token = await mailed(mailbox, person, "verify")
    assert (await person.http.put("/v1/email-verifications", json={"token": token})).status_code == 204
    assert (await person.http.get("/v1/account")).json()["must_verify_email"] is False
    assert (await make_key(person.http)).status_code == 201
    assert problem(await person.http.put("/v1/email-verifications", json={"token": token})) == (404, "verification-link-used")
    assert problem(await person.http.post("/v1/email-verifications")) == (409, "email-verified")
    actions = [event["action"] for event in (await person.http.get("/v1/audit")).json()["data"]]
    assert {"account:email:verify", "account:email:verification-request"} <= set(actions)


async def test_a_link_confirms_nothing_for_whoever_is_not_signed_in_to_its_account(
    api: ApiProcess, person: Person, mailbox: Mailbox, database: Database
) -> None:
    token = await mailed(mailbox, person, "verify")
    async with browser(api.url) as nobody, browser(api.url) as elsewhere:
        assert problem(await nobody.put("/v1/email-verifications", json={"token": token})) == (401, "missing-key")
        await sign_up(elsewhere)
        assert problem(await elsewhere.put("/v1/email-verifications", json={"token": token})) == (404, "verification-link-used")
    await select(database, "update email_verifications set expires_at = now() where account_id = %s", person.account_id)
    assert problem(await person.http.put("/v1/email-verifications", json={"token": token})) == (404, "verification-link-used")
    assert (await person.http.post("/v1/email-verifications")).status_code == 202
    again = await mailed(mailbox, person, "verify", 1)
    assert (await person.http.put("/v1/email-verifications", json={"token": again})).status_code == 204


async def test_an_address_that_is_confirmed_while_its_password_is_reset_is_one_or_the_other_and_no_outage(
    api: ApiProcess, person: Person, mailbox: Mailbox, database: Database
) -> None:
    waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    token = await mailed(mailbox, person, "verify")
    async with browser(api.url) as owner:
        await owner.post("/v1/password-resets", json={"email": person.email})
        link = await mailed(mailbox, person, "reset")
        async with database.transaction() as connection:  # both wait for the account, the reset first
            await databases.rows(connection, "lock_account", id=person.account_id)
            reset = asyncio.create_task(owner.put("/v1/password-resets", json={"token": link, "new_password": NEW}))
            await until(lambda: select(database, waiting), "the reset waits for the account")
            confirmed = asyncio.create_task(person.http.put("/v1/email-verifications", json={"token": token}))
            await until(lambda: select(database, waiting), "the confirmation waits too", holds=lambda found: len(found) == 2)
        assert (await reset).status_code == 204
        assert problem(await confirmed) == (404, "verification-link-used")


async def test_nobody_is_buried_in_links(person: Person) -> None:
    answers = [(await person.http.post("/v1/email-verifications")).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]


async def test_whoever_resets_the_password_ends_every_session_and_key_of_a_stranger_who_had_signed_up_with_the_address(
    api: ApiProcess, person: Person, mailbox: Mailbox, database: Database
) -> None:
    stolen = await accounts.create_key(database, person.email, [Scope.READ])  # from a time in which no mail was sent
    hook = "insert into webhooks (id, account_id, url, events, secret) values (gen_random_uuid(), %s, 'https://1.1.1.1/x', '{}', '')"
    await select(database, hook, person.account_id)
    async with browser(api.url) as owner:
        assert (await owner.get("/v1/uploads", headers={"Authorization": f"Bearer {stolen.text}"})).status_code == 200
        await owner.post("/v1/password-resets", json={"email": person.email})
        link = await mailed(mailbox, person, "reset")
        assert (await owner.put("/v1/password-resets", json={"token": link, "new_password": NEW})).status_code == 204
        assert problem(await owner.get("/v1/uploads", headers={"Authorization": f"Bearer {stolen.text}"})) == (401, "revoked-key")
        assert problem(await person.http.get("/v1/session")) == (401, "session-ended")
        assert await select(database, "select 1 from webhooks where account_id = %s", person.account_id) == []
        token = await mailed(mailbox, person, "verify")
        assert (await owner.post("/v1/session", json={"email": person.email, "password": NEW})).status_code == 200
        assert (await owner.get("/v1/account")).json()["must_verify_email"] is False
        assert problem(await owner.put("/v1/email-verifications", json={"token": token})) == (404, "verification-link-used")
        kept = (await make_key(owner)).json()["key"]
        await owner.post("/v1/password-resets", json={"email": person.email})
        again = await mailed(mailbox, person, "reset", 1)
        assert (await owner.put("/v1/password-resets", json={"token": again, "new_password": PASSWORD})).status_code == 204
        assert (await owner.get("/v1/uploads", headers={"Authorization": f"Bearer {kept}"})).status_code == 200


async def test_without_mail_nothing_is_to_be_confirmed(start_api: Starter) -> None:
    with start_api() as api:
        async with browser(api.url) as http:
            await sign_up(http)
            assert (await http.get("/v1/account")).json()["must_verify_email"] is False
            assert (await make_key(http)).status_code == 201
            assert problem(await http.post("/v1/email-verifications")) == (409, "email-verified")


async def test_an_operator_prints_the_link_for_whoever_did_not_get_the_mail(
    tmp_path: Path, person: Person, servers: dict[str, str]
) -> None:
    printed = await asyncio.to_thread(valence, tmp_path, "accounts", "verify-email", person.email, "--url", PUBLIC, **servers)
    assert printed.returncode == 0, printed.stderr
    token = printed.stdout.strip().removeprefix(f"{PUBLIC}/settings#verify=")
    assert (await person.http.put("/v1/email-verifications", json={"token": token})).status_code == 204
    refused = await asyncio.to_thread(valence, tmp_path, "accounts", "verify-email", person.email, "--url", PUBLIC, **servers)
    assert (refused.returncode, "yet to confirm" in refused.stderr) == (1, True)
