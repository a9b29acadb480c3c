"""Keys that people make for their programs, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api import accounts, credentials
from api.accounts import Scope
from runtime.database import Database
from tests.api_process import ApiProcess
from tests.chain import select
from tests.integration.over_http.people import Person, browser, problem, sign_up


@pytest.fixture
async def person(api: ApiProcess) -> AsyncIterator[Person]:
    """Somebody who has just signed up."""
    async with browser(api.url) as http:
        yield await sign_up(http)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def make(http: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await http.post("/v1/keys", json={"name": "script", **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_key_is_shown_once_and_works_at_once(person: Person, database: Database) -> None:
    made = await make(person.http)
    assert credentials.parse(made["key"]).id == made["id"]
    assert made["scopes"] == ["uploads:read", "uploads:write"]
    listed = await person.http.get("/v1/keys")
    assert [(key["id"], key["name"], key["last_four"]) for key in listed.json()["data"]] == [(made["id"], "script", made["key"][-4:])]
    assert made["key"] not in listed.text
    for table in ("api_keys", "audit"):
        rows = await select(database, f"select to_jsonb(t)::text as row from {table} t where account_id = %s", person.account_id)  # noqa: S608
        assert rows
        assert not any(credentials.parse(made["key"]).secret in row["row"] for row in rows)
    used = await person.http.get("/v1/uploads", headers=bearer(made["key"]))
    assert used.status_code == 200


async def test_a_revoked_key_is_nobodys_and_anothers_cannot_be_revoked(api: ApiProcess, person: Person) -> None:
    made = await make(person.http)
    async with browser(api.url) as http:
        other = await sign_up(http)
        assert problem(await other.http.delete(f"/v1/keys/{made['id']}")) == (404, "no-such-key")
        for key_id in ("%00", "..%2F", "a" * 3_000, "%F0%9F%94%91"):
            assert problem(await other.http.delete(f"/v1/keys/{key_id}")) in {(404, "no-such-key"), (404, "no-such-route")}
        assert (await other.http.get("/v1/keys")).json() == {"data": []}
    assert (await person.http.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert problem(await person.http.get("/v1/uploads", headers=bearer(made["key"]))) == (401, "revoked-key")
    (listed,) = (await person.http.get("/v1/keys")).json()["data"]
    assert listed["revoked_at"] is not None


async def test_any_key_may_revoke_itself_and_no_other(person: Person) -> None:
    leaked, other = await make(person.http), await make(person.http)
    headers = bearer(leaked["key"])
    assert problem(await person.http.delete(f"/v1/keys/{other['id']}", headers=headers)) == (403, "missing-scope")
    assert (await person.http.delete(f"/v1/keys/{leaked['id']}", headers=headers)).status_code == 204
    assert problem(await person.http.get("/v1/uploads", headers=headers)) == (401, "revoked-key")


async def test_a_key_makes_no_key_that_may_do_more_or_lives_longer(person: Person) -> None:
    end = datetime.now(UTC) + timedelta(days=1)
    maker = await make(person.http, scopes=["account:write", "uploads:read"], expires_at=end.isoformat())
    headers = bearer(maker["key"])
    more = await person.http.post("/v1/keys", json={"name": "x", "scopes": ["uploads:write"]}, headers=headers)
    assert problem(more) == (403, "missing-scope")
    for asked in (None, (end + timedelta(days=9)).isoformat()):
        made = (
            await person.http.post("/v1/keys", json={"name": "x", "scopes": ["uploads:read"], "expires_at": asked}, headers=headers)
        ).json()
        assert made["expires_at"] == maker["expires_at"]
    assert problem(await person.http.put("/v1/account/password", headers=headers)) == (403, "session-needed")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes[0]"),
        ({"name": "a\nb"}, "name"),
        ({"name": ""}, "name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
    ],
)
async def test_a_wrong_wish_is_named(person: Person, wrong: dict[str, Any], field: str) -> None:
    answer = await person.http.post("/v1/keys", json={"name": "x", **wrong})
    assert problem(answer) == (422, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_account_has_so_many_keys_and_no_more(person: Person, database: Database) -> None:
    await select(
        database,
        "insert into api_keys (id, account_id, secret_sha256, last_four, scopes) "
        "select 'k' || n || %s, %s, '', '', '{}' from generate_series(1, 99) n",
        str(person.account_id),
        person.account_id,
    )
    await make(person.http)
    assert problem(await person.http.post("/v1/keys", json={"name": "x"})) == (409, "too-many-keys")


async def test_the_operators_keys_are_in_the_owners_audit_log(http: httpx.AsyncClient, database: Database, account: UUID) -> None:
    reader = await accounts.create_key(database, f"test-{account}", [Scope.ACCOUNT_READ])
    await accounts.revoke_key(database, (await accounts.create_key(database, f"test-{account}")).id)
    events = (await http.get("/v1/audit", headers=bearer(reader.text))).json()["data"]
    assert [event["action"] for event in events[:2]] == ["account:key:revoke", "account:key:create"]
    assert events[0]["user_agent"] == "the operator's command line"
