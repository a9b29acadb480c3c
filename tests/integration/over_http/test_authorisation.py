"""The authorisation matrix: every route of the route table, and everybody who might ask.

A route that is not in `EXPECTED` fails: whoever adds one says here who may use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from api import accounts, app
from api.accounts import Scope
from api.methods import Methods
from api.observation import Observation
from api.pages import ADDRESSES
from runtime.database import Database
from runtime.settings import Settings
from tests.api_process import ApiProcess
from tests.integration.over_http.cast import Cast
from tests.integration.over_http.people import OWN, PASSWORD


class Rule(Enum):
    """Who may use a route, where no scope says it."""

    EVERYBODY = "everybody"
    #: Only who is signed in: no key, whatever its scopes.
    SESSION = "session"
    #: Any key may do it to itself.
    ITSELF = "itself"


EXPECTED: dict[tuple[str, str], Scope | Rule] = {
    ("POST", "/v1/uploads"): Scope.WRITE,
    ("GET", "/v1/uploads"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}"): Scope.READ,
    ("POST", "/v1/uploads/{upload_id}/retry"): Scope.WRITE,
    ("DELETE", "/v1/uploads/{upload_id}"): Scope.WRITE,
    ("POST", "/v1/uploads/{upload_id}/cancel"): Scope.WRITE,
    ("PUT", "/v1/uploads/{upload_id}/content"): Scope.WRITE,
    ("GET", "/v1/uploads/{upload_id}/content"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/thumbnail"): Scope.READ,
    ("PUT", "/v1/uploads/{upload_id}/parts/{number}"): Scope.WRITE,
    ("GET", "/v1/uploads/{upload_id}/parts"): Scope.READ,
    ("POST", "/v1/uploads/{upload_id}/part-urls"): Scope.WRITE,
    ("POST", "/v1/uploads/{upload_id}/complete"): Scope.WRITE,
    ("GET", "/v1/uploads/{upload_id}/analysis"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/analysis.json"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/analysis.srt"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/analysis.vtt"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/analysis.csv"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/analysis.eaf"): Scope.READ,
    ("GET", "/v1/analyses.zip"): Scope.READ,
    ("GET", "/v1/uploads/{upload_id}/events"): Scope.READ,
    ("GET", "/v1/events"): Scope.READ,
    ("GET", "/v1/usage"): Scope.READ,
    ("GET", "/v1/account"): Scope.ACCOUNT_READ,
    ("PUT", "/v1/account/password"): Rule.SESSION,
    ("DELETE", "/v1/account"): Rule.SESSION,
    ("GET", "/v1/keys"): Scope.ACCOUNT_READ,
    ("POST", "/v1/keys"): Scope.ACCOUNT_WRITE,
    ("DELETE", "/v1/keys/{key_id}"): Rule.ITSELF,
    ("GET", "/v1/audit"): Scope.ACCOUNT_READ,
    ("GET", "/v1/webhooks"): Scope.WEBHOOKS_READ,
    ("POST", "/v1/webhooks"): Scope.WEBHOOKS_WRITE,
    ("GET", "/v1/webhooks/{webhook_id}"): Scope.WEBHOOKS_READ,
    ("PATCH", "/v1/webhooks/{webhook_id}"): Scope.WEBHOOKS_WRITE,
    ("DELETE", "/v1/webhooks/{webhook_id}"): Scope.WEBHOOKS_WRITE,
    ("POST", "/v1/webhooks/{webhook_id}/secret"): Scope.WEBHOOKS_WRITE,
    ("POST", "/v1/webhooks/{webhook_id}/test"): Scope.WEBHOOKS_WRITE,
    ("GET", "/v1/webhooks/{webhook_id}/deliveries"): Scope.WEBHOOKS_READ,
    ("GET", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"): Scope.WEBHOOKS_READ,
    ("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): Scope.WEBHOOKS_WRITE,
    ("POST", "/v1/webhooks/{webhook_id}/replay"): Scope.WEBHOOKS_WRITE,
    ("GET", "/v1/session"): Rule.SESSION,
    ("DELETE", "/v1/session"): Rule.SESSION,
    ("GET", "/v1/sessions"): Scope.ACCOUNT_READ,
    ("DELETE", "/v1/sessions"): Scope.ACCOUNT_WRITE,
    ("DELETE", "/v1/sessions/{session_id}"): Scope.ACCOUNT_WRITE,
    ("POST", "/v1/accounts"): Rule.EVERYBODY,
    ("POST", "/v1/session"): Rule.EVERYBODY,
    ("POST", "/v1/email-verifications"): Rule.SESSION,
    ("PUT", "/v1/email-verifications"): Rule.SESSION,
    ("POST", "/v1/password-resets"): Rule.EVERYBODY,
    ("PUT", "/v1/password-resets"): Rule.EVERYBODY,
    ("GET", "/v1/receipts/{receipt_id}"): Rule.EVERYBODY,
    ("GET", "/v1/receipts/{receipt_id}/items"): Rule.EVERYBODY,
    ("POST", "/v1/receipts/{receipt_id}/check"): Rule.EVERYBODY,
    ("GET", "/v1/openapi.json"): Rule.EVERYBODY,
    ("GET", "/healthz"): Rule.EVERYBODY,
    ("GET", "/static/{version_asked}/{path}"): Rule.EVERYBODY,
    **{("GET", page): Rule.EVERYBODY for page in ("/reference", *(page.replace(":str", "") for page in ADDRESSES))},
}
BEHIND = [route for route, rule in EXPECTED.items() if rule is not Rule.EVERYBODY]
OPEN = [route for route, rule in EXPECTED.items() if rule is Rule.EVERYBODY]
CHANGING = [route for route in EXPECTED if route[0] != "GET"]
ALL = list(Scope)


@pytest.fixture(scope="module")
def cast(api: ApiProcess, server_environment: dict[str, str]) -> Iterator[Cast]:
    """Two people who have signed up, and something that belongs to the first."""
    with httpx.Client(base_url=api.url, timeout=30) as http:
        people = [{"email": f"{uuid4()}@example.org", "password": PASSWORD} for _ in range(2)]
        for person in people:
            assert http.post("/v1/accounts", json=person, headers={"X-Forwarded-For": "10.8.0.0"}).status_code == 201
        cast = Cast(http, people[0], people[1], "", asyncio.run(_expired(server_environment["DATABASE_URL"], people[0]["email"])))
        made = http.post("/v1/uploads", json={"filename": "x.mp4"}, headers=cast.session(cast.owner))
        cast.upload_id = made.json()["id"]
        cast.webhook_id = cast.webhook()
        tried = http.post(f"/v1/webhooks/{cast.webhook_id}/test", headers=cast.session(cast.owner))
        cast.delivery_id = tried.json()["id"]
        yield cast
        for webhook in http.get("/v1/webhooks", headers=cast.session(cast.owner)).json()["data"]:
            http.delete(f"/v1/webhooks/{webhook['id']}", headers=cast.session(cast.owner))


async def _expired(url: str, email: str) -> str:
    database = Database(url, connections=1)
    key = await accounts.create_key(database, email, ALL, datetime.now(UTC) - timedelta(seconds=1))
    await database.close()
    return key.text


def named(route: tuple[str, str]) -> str:
    return " ".join(route)


def test_every_route_has_its_expectation(settings: Settings) -> None:
    observed = app.create_app(app.connect(settings))
    assert isinstance(observed, Observation)
    assert isinstance(observed.app, Methods)
    application = observed.app.app
    assert isinstance(application, Litestar)
    found = {(method, route.path_format) for route in application.routes for method in route.methods if method not in ("OPTIONS", "HEAD")}
    assert found == set(EXPECTED), "say in EXPECTED who may use a new route"


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_anonymous_is_asked_who_it_is(cast: Cast, route: tuple[str, str]) -> None:
    assert cast.ask(route, OWN) == (401, "missing-key")


@pytest.mark.parametrize("route", OPEN, ids=named)
def test_what_is_for_everybody_asks_nobody(cast: Cast, route: tuple[str, str]) -> None:
    assert cast.ask(route, {"X-Forwarded-For": "10.8.0.0"})[0] not in (401, 403)


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_an_expired_key_is_nobodys(cast: Cast, route: tuple[str, str]) -> None:
    assert cast.ask(route, {"Authorization": f"Bearer {cast.expired}"}) == (401, "expired-key")


@pytest.fixture(scope="module")
def revoked(cast: Cast) -> dict[str, str]:
    """The headers of a session that was ended."""
    headers = cast.new_session(cast.owner)
    assert cast.http.delete("/v1/session", headers=headers).status_code == 204
    return headers


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_a_revoked_session_is_nobodys(cast: Cast, revoked: dict[str, str], route: tuple[str, str]) -> None:
    assert cast.ask(route, revoked) == (401, "session-ended")


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_a_key_without_the_scope_may_not(cast: Cast, route: tuple[str, str]) -> None:
    rule = EXPECTED[route]
    if rule is Rule.SESSION:
        assert cast.ask(route, cast.key(ALL)) == (403, "session-needed")
        return
    needed = Scope.ACCOUNT_WRITE if rule is Rule.ITSELF else rule
    assert cast.ask(route, cast.key([scope for scope in ALL if scope is not needed])) == (403, "missing-scope")


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_somebody_else_finds_nothing_of_the_owners(cast: Cast, route: tuple[str, str]) -> None:
    headers = cast.session(cast.other)
    status, name = cast.ask(route, headers)
    if "{" in route[1]:
        assert status == 404
        assert name in ("no-such-upload", "no-such-key", "no-such-session", "no-such-webhook")
    else:
        assert status not in (401, 403, 500)
        listing = {"/v1/uploads", "/v1/analyses.zip", "/v1/keys", "/v1/sessions", "/v1/audit", "/v1/webhooks"}
        if route[0] == "GET" and route[1] in listing:
            found = cast.http.get(route[1], headers=headers).text
            assert cast.upload_id not in found
            assert cast.webhook_id not in found


@pytest.mark.parametrize("route", BEHIND, ids=named)
def test_the_owner_may_by_session_and_by_a_key_with_just_the_scope(cast: Cast, route: tuple[str, str]) -> None:
    rule = EXPECTED[route]
    allowed: list[tuple[dict[str, str], str | None]] = [(cast.session(cast.owner), None)]
    if isinstance(rule, Scope):
        allowed.append((cast.key([rule]), None))
    elif rule is Rule.ITSELF:
        key_id, headers = cast.new_key([Scope.READ])
        allowed.append((headers, f"/v1/keys/{key_id}"))
    for headers, path in allowed:
        status, name = cast.ask(route, headers, path)
        assert status not in (401, 403)
        assert status < 500
        assert not name.startswith("no-such-")


@pytest.mark.parametrize("route", CHANGING, ids=named)
def test_another_sites_page_changes_nothing(cast: Cast, route: tuple[str, str]) -> None:
    headers = {**cast.session(cast.owner), "Sec-Fetch-Site": "cross-site"}
    del headers["Valence-Request"]
    assert cast.ask(route, headers) == (403, "cross-site")


@pytest.mark.parametrize("by", ["key", "session"])
def test_an_open_stream_ends_when_what_opened_it_is_revoked(cast: Cast, by: str) -> None:
    owner = cast.session(cast.owner)
    if by == "key":
        key_id, headers = cast.new_key([Scope.READ])
        path = f"/v1/keys/{key_id}"
    else:
        headers = cast.new_session(cast.owner)
        path = f"/v1/sessions/{cast.http.get('/v1/session', headers=headers).json()['session']['id']}"
    with cast.http.stream("GET", "/v1/events", headers=headers) as stream:
        received = stream.iter_bytes()
        next(received)
        assert cast.http.delete(path, headers=owner).status_code == 204
        for _ in received:
            pass  # it ends, which is what is tested: it would go on for ten minutes
