"""An account that is closed while one of its requests is being answered: whatever the route, an answer and never a fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from psycopg.rows import DictRow

from api import app, tokens
from api.cookies import SECURE_NAME
from runtime import erasure
from runtime.database import Database
from runtime.settings import Settings
from schemas.resources import PROBLEM_MEDIA_TYPE
from tests.chain import select
from tests.integration.over_http.people import OWN, problem
from tests.integration.over_http.test_authorisation import BEHIND

#: Something that each route takes, so that it comes as far as it can.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/uploads"): {"filename": "x.mp4"},
    ("PUT", "/v1/account/password"): {"current_password": "x", "new_password": "staple correct battery"},
    ("DELETE", "/v1/account"): {"password": "x"},
    ("POST", "/v1/keys"): {"name": "x"},
    ("POST", "/v1/uploads/{upload_id}/part-urls"): {"numbers": [1]},
    ("POST", "/v1/webhooks"): {"url": "https://1.1.1.1/hook"},
}
#: Streams need the broker, of which this application never hears.
STREAMS = {"/v1/events", "/v1/uploads/{upload_id}/events"}


class Overtaken(Database):
    """PostgreSQL, where an account is closed, or erased with its row, right after one of its sessions was found good."""

    def __init__(self, url: str, *, erased: bool) -> None:
        super().__init__(url, connections=2)
        self._erased = erased

    async def rows(self, query: str, **parameters: Any) -> list[DictRow]:
        found = await super().rows(query, **parameters)
        if query == "session_by_token" and found:
            async with self.transaction() as connection:
                await erasure.close_account(connection, found[0]["account_id"])
            if self._erased:
                await super().rows("delete_account", id=found[0]["account_id"])
        return found


async def somebody(database: Database) -> tuple[dict[str, str], UUID]:
    """The headers of a new account's session, and its one upload."""
    account_id, token = uuid4(), tokens.mint()
    await database.rows("insert_account", id=account_id, name=str(account_id))
    statement = "insert into sessions (id, account_id, token_sha256, expires_at) values (%s, %s, %s, now() + interval '1 hour')"
    await select(database, statement, uuid4(), account_id, tokens.digest(token))
    upload_id = uuid4()
    columns = "id, account_id, bucket, key, options, attempt, status, sequence, part_size"
    statement = f"insert into uploads ({columns}) values (%s, %s, 'b', 'k', '{{}}', 1, 'created', 1, 8388608)"  # noqa: S608
    await select(database, statement, upload_id, account_id)
    return {"Cookie": f"{SECURE_NAME}={token}", "Idempotency-Key": str(account_id), **OWN}, upload_id


@pytest.mark.parametrize("erased", [False, True], ids=["closed", "erased"])
async def test_no_route_fails_when_the_account_is_closed_during_the_request(settings: Settings, database: Database, erased: bool) -> None:
    overtaken = Overtaken(settings.database_url, erased=erased)
    services = replace(app.connect(settings), database=overtaken)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    faults = []
    async with httpx.AsyncClient(transport=transport, base_url="https://api") as http:
        for method, template in BEHIND:
            headers, upload_id = await somebody(database)
            path = template.format(upload_id=upload_id, number=1, key_id="x", session_id=uuid4(), **dict.fromkeys(UNKNOWN, uuid4()))
            answer = await http.request(method, path, headers=headers, json=BODIES.get((method, template)))
            if template in STREAMS:
                assert problem(answer) in ((503, "busy"), (404, "no-such-upload"))
            elif answer.status_code >= 500 or (answer.status_code >= 400 and answer.headers["content-type"] != PROBLEM_MEDIA_TYPE):
                faults.append(f"{method} {template}: {answer.status_code} {answer.text}")
    await overtaken.close()
    assert faults == []


#: Names of other things in addresses, for routes that are yet to come.
UNKNOWN = ("webhook_id", "delivery_id", "search_id", "archive_id")


async def test_no_key_is_made_for_an_account_that_is_closed_meanwhile(settings: Settings, database: Database) -> None:
    overtaken = Overtaken(settings.database_url, erased=False)
    services = replace(app.connect(settings), database=overtaken)
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))
    async with httpx.AsyncClient(transport=transport, base_url="https://api") as http:
        headers, _ = await somebody(database)
        assert problem(await http.post("/v1/keys", json={"name": "late"}, headers=headers)) == (401, "account-closed")
        assert problem(await http.post("/v1/uploads", json={"filename": "x"}, headers=(await somebody(database))[0])) == (
            401,
            "account-closed",
        )
    await overtaken.close()
