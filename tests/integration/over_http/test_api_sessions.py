"""Signing up, in and out, over real HTTP: the cookie, the sessions, and who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from runtime.database import Database
from tests.api_process import ApiProcess, Starter
from tests.chain import select
from tests.integration.over_http.people import PASSWORD, Person, browser, cookie, problem, sign_up


@pytest.fixture
async def person(api: ApiProcess) -> AsyncIterator[Person]:
    """Somebody who has just signed up."""
    async with browser(api.url) as http:
        yield await sign_up(http)


async def test_whoever_signs_up_is_signed_in(person: Person) -> None:
    answer = await person.http.get("/v1/session")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["account"]["email"], answer.json()["account"]["id"]) == (person.email, str(person.account_id))
    assert answer.json()["session"]["current"] is True
    assert (await person.http.get("/v1/uploads")).json() == {"data": [], "next_cursor": None}
    assert (await person.http.post("/v1/uploads", json={"filename": "x.mp4"})).status_code == 201


async def test_the_cookie_is_for_the_server_alone_and_only_its_digest_is_kept(api: ApiProcess, person: Person, database: Database) -> None:
    answer = await person.http.post("/v1/session", json=person.credentials)
    made = answer.headers["set-cookie"].lower()
    assert made.startswith("__host-session=")
    assert all(part in made for part in ("httponly", "secure", "samesite=lax", "path=/", "max-age="))
    assert "domain" not in made
    async with httpx.AsyncClient(base_url=api.url) as local:
        plain = (await local.post("/v1/session", json=person.credentials)).headers["set-cookie"].lower()
    assert plain.startswith("session=")
    assert "secure" not in plain
    stored = await select(database, "select token_sha256 from sessions where account_id = %s", person.account_id)
    tokens = [header.partition("=")[2].partition(";")[0].encode() for header in (answer.headers["set-cookie"], plain)]
    assert not any(token in bytes(row["token_sha256"]) for token in tokens for row in stored)


async def test_every_sign_in_is_a_new_session_and_ends_the_one_that_the_browser_had(api: ApiProcess, person: Person) -> None:
    planted = cookie(person.http)
    again = await person.http.post("/v1/session", json=person.credentials)
    assert again.status_code == 200
    assert cookie(person.http) != planted
    async with browser(api.url) as thief:
        stolen = await thief.get("/v1/session", headers=planted)
    assert problem(stolen) == (401, "session-ended")
    assert len((await person.http.get("/v1/sessions")).json()["data"]) == 1


async def test_a_token_that_somebody_else_has_chosen_is_no_session_before_and_after_the_sign_in(api: ApiProcess, person: Person) -> None:
    chosen = {"Cookie": "__Host-session=" + "a" * 43}
    async with browser(api.url) as victim:
        answer = await victim.post("/v1/session", json=person.credentials, headers=chosen)
        assert answer.status_code == 200
    async with browser(api.url) as attacker:
        assert problem(await attacker.get("/v1/session", headers=chosen)) == (401, "session-ended")


async def test_signing_out_ends_the_session_and_takes_the_cookie_away(api: ApiProcess, person: Person) -> None:
    kept = cookie(person.http)
    answer = await person.http.delete("/v1/session")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    async with browser(api.url) as thief:
        assert problem(await thief.get("/v1/uploads", headers=kept)) == (401, "session-ended")


async def test_sessions_are_listed_and_ended_one_or_all_others(api: ApiProcess, person: Person) -> None:
    async with browser(api.url) as phone, browser(api.url) as tablet:
        for http in (phone, tablet):
            assert (await http.post("/v1/session", json=person.credentials)).status_code == 200
        listed = (await person.http.get("/v1/sessions")).json()["data"]
        assert [session["current"] for session in listed].count(True) == 1
        assert {session["user_agent"] for session in listed} == {"test browser"}
        its_own = next(session["id"] for session in (await phone.get("/v1/sessions")).json()["data"] if session["current"])
        assert (await person.http.delete(f"/v1/sessions/{its_own}")).status_code == 204
        assert problem(await phone.get("/v1/session")) == (401, "session-ended")
        assert (await person.http.delete("/v1/sessions")).status_code == 204
        assert problem(await tablet.get("/v1/session")) == (401, "session-ended")
        assert (await person.http.get("/v1/session")).status_code == 200


async def test_nobody_ends_another_accounts_session(api: ApiProcess, person: Person) -> None:
    (theirs,) = (await person.http.get("/v1/sessions")).json()["data"]
    async with browser(api.url) as http:
        other = await sign_up(http)
        for session_id in (theirs["id"], str(uuid4()), "nonsense"):
            assert problem(await other.http.delete(f"/v1/sessions/{session_id}")) == (404, "no-such-session")
        await other.http.delete("/v1/sessions")
    assert (await person.http.get("/v1/session")).status_code == 200


@pytest.mark.parametrize(("column", "end"), [("last_used_at", "- interval '8 days'"), ("expires_at", "- interval '31 days'")])
async def test_a_session_ends_unused_and_in_any_case(person: Person, database: Database, column: str, end: str) -> None:
    await select(database, f"update sessions set {column} = {column} {end} where account_id = %s", person.account_id)  # noqa: S608
    assert problem(await person.http.get("/v1/session")) == (401, "session-ended")


async def test_a_request_that_changes_something_by_cookie_must_come_from_our_own_page(person: Person) -> None:
    own_cookie = cookie(person.http)
    async with httpx.AsyncClient(base_url=person.http.base_url, headers={"X-Forwarded-For": "10.2.0.1"}) as page:
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
            for method, path in (("POST", "/v1/uploads"), ("DELETE", "/v1/session"), ("PUT", f"/v1/uploads/{uuid4()}/content")):
                answer = await page.request(method, path, headers={**own_cookie, **headers}, json={"filename": "x"})
                assert problem(answer) == (403, "cross-site"), (method, headers)
        assert (await page.get("/v1/uploads", headers=own_cookie)).status_code == 200
        own = {**own_cookie, "Sec-Fetch-Site": "same-origin"}
        assert (await page.post("/v1/uploads", headers=own, json={"filename": "x"})).status_code == 201


async def test_another_sites_page_signs_nobody_in_or_up(person: Person) -> None:
    for path in ("/v1/session", "/v1/accounts"):
        for site in ("cross-site", "same-site"):
            answer = await person.http.post(path, json=person.credentials, headers={"Sec-Fetch-Site": site})
            assert problem(answer) == (403, "cross-site")
        form = await person.http.post(path, data=person.credentials)
        assert problem(form) == (415, "unsupported-media-type")


async def test_known_and_unknown_addresses_get_the_same_answer(person: Person) -> None:
    answers = []
    for email in (person.email, f"{uuid4()}@example.org"):
        answer = await person.http.post("/v1/session", json={"email": email, "password": "wrong" + PASSWORD})
        assert problem(answer) == (401, "wrong-credentials")
        assert email not in answer.text
        answers.append({**answer.json(), "request_id": ""})
    assert answers[0] == answers[1]


async def test_an_address_is_one_account_however_it_is_written(api: ApiProcess, person: Person) -> None:
    shouted = {"email": person.email.upper(), "password": PASSWORD}
    async with browser(api.url) as http:
        assert problem(await http.post("/v1/accounts", json=shouted)) == (409, "sign-up-refused")
        assert (await http.post("/v1/session", json=shouted)).status_code == 200


@pytest.mark.parametrize("password", ["short", "x" * 129, "password1", "Baseball", "{email}"])
async def test_a_password_that_is_guessed_first_is_refused_and_not_repeated(api: ApiProcess, password: str) -> None:
    email = f"{uuid4()}@example.org"
    chosen = password.format(email=email)
    async with browser(api.url) as http:
        answer = await http.post("/v1/accounts", json={"email": email, "password": chosen})
    assert problem(answer) == (422, "weak-password")
    assert chosen == email or chosen not in answer.text


@pytest.mark.parametrize("email", ["", "a", "a@", "@b", "a b@c.d", "a@b\r\nBcc: c@d.e", "a@b.c\n", "ä@b.c", "a" * 65 + "@b.c", 5, None])
async def test_what_is_no_address_is_a_wrong_value(api: ApiProcess, email: object) -> None:
    async with browser(api.url) as http:
        for path in ("/v1/accounts", "/v1/session"):
            assert problem(await http.post(path, json={"email": email, "password": PASSWORD})) == (422, "invalid-request")


async def test_a_wrong_key_is_not_helped_by_a_cookie(person: Person) -> None:
    answer = await person.http.get("/v1/uploads", headers={"Authorization": "Bearer val_live_nonsense"})
    assert problem(answer) == (401, "malformed-key")


async def test_no_key_does_what_is_for_people_and_a_key_for_uploads_sees_nothing_of_the_account(http: httpx.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        assert problem(await http.request(method, "/v1/session")) == (403, "session-needed")
        assert problem(await http.request(method, "/v1/sessions")) == (403, "missing-scope")


async def test_where_the_operator_makes_the_accounts_nobody_signs_up(start_api: Starter) -> None:
    with start_api({"VALENCE_ACCOUNTS_SIGN_UP_OPEN": "false"}) as closed:
        async with browser(closed.url) as http:
            answer = await http.post("/v1/accounts", json={"email": f"{uuid4()}@example.org", "password": PASSWORD})
    assert problem(answer) == (403, "sign-up-closed")
