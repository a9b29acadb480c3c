"""The OpenAPI document says all about every route, and Schemathesis, which reads nothing else, finds no route that does otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings, strategies
from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute

from api import accounts, app, cursors, openapi_document
from api.authentication import FOR_EVERYBODY
from api.problems import GENERAL_PROBLEMS, KEY_PROBLEMS
from runtime import settings as configuration
from runtime.database import Database
from schemas.resources import PROBLEM_MEDIA_TYPE
from tests.api_process import ApiProcess, Starter

#: Nothing is connected before a request comes, so that the document needs no server.
NOWHERE = {
    "DATABASE_URL": "postgresql://nowhere/x",
    "KAFKA_BOOTSTRAP_SERVERS": "nowhere:9",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
}
#: The page, which is for people, and the document itself.
UNDESCRIBED = {"/", "/sign-in", "/sign-up", "/reset", "/settings", "/reference", "/static/{version_asked}/{path}"} | {
    "/uploads/{upload_id}",
    "/v1/openapi.json",
}
#: Longer than any answer takes, and how long a stream is listened to: it has sent its first event by then.
SECONDS = 1.0


def described() -> tuple[Litestar, dict[str, Any]]:
    """The application, and its document."""
    with patch.dict(os.environ, NOWHERE):
        wrapped: Any = app.create_app(app.connect(configuration.load()))
    while not isinstance(wrapped, Litestar):
        wrapped = wrapped.app
    return wrapped, openapi_document.complete(wrapped.openapi_schema.to_schema(), wrapped)


APPLICATION, DOCUMENT = described()
OPERATIONS = [(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations]


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_every_route_is_described() -> None:
    routes = {
        (method.lower(), route.path_format) for route in APPLICATION.routes for method in route.methods if method not in ("OPTIONS", "HEAD")
    }
    missing = {(method, path) for method, path in routes if path not in UNDESCRIBED} - set(OPERATIONS)
    assert not missing, "a route without a place in the document: leave `include_in_schema` alone, or name the page's route in UNDESCRIBED"


def test_no_two_operations_have_one_name() -> None:
    names = [operation(*named)["operationId"] for named in OPERATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_says_what_it_does_what_it_takes_and_all_that_it_answers(method: str, path: str) -> None:
    told = operation(method, path)
    assert told["summary"]
    assert len(told["description"]) > 10, "write a docstring for the route's function"
    assert set(told["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}, "put the route's module under a heading of openapi_document.TAGS"
    bodies = [*told.get("requestBody", {}).get("content", {}).items()]
    bodies += [one for answer in told["responses"].values() for one in answer.get("content", {}).items()]
    for media_type, content in bodies:
        shown = "example" in content or content.get("examples")
        assert shown, f"{media_type} {content['schema']}: put a value of the struct into openapi_examples.py"
    for parameter in told.get("parameters", ()):
        assert parameter["in"] == "path" or parameter["description"], parameter["name"]
    if path.startswith("/v1"):
        general = {str(int(problem.status)) for problem in GENERAL_PROBLEMS}
        behind = {str(int(problem.status)) for problem in KEY_PROBLEMS}
        needed = general if told["security"] == [] else general | behind
        assert needed <= set(told["responses"]), "write `responses=problems(...)`, or `public_problems(...)`, at the route"
        for status, answer in told["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == [PROBLEM_MEDIA_TYPE], status
                assert answer["content"][PROBLEM_MEDIA_TYPE]["examples"], status


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_needs_nobody_to_be_known_says_so(method: str, path: str) -> None:
    for route in APPLICATION.routes:
        if route.path_format == path:
            assert isinstance(route, HTTPRoute)
            handler, _ = route.route_handler_map[HttpMethod(method.upper())]
            open_to_all = bool(handler.opt.get(next(iter(FOR_EVERYBODY)))) or path == "/healthz"
            assert (operation(method, path)["security"] == []) == open_to_all


def test_the_document_names_itself_its_server_its_licence_and_how_to_show_who_one_is() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert {"title", "version", "description", "contact", "license"} <= set(DOCUMENT["info"])
    assert DOCUMENT["servers"]
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"key", "session"}


#: Where a body may fit its schema and still be refused with 422, since JSON Schema cannot say what is wrong: a source in S3 beyond the
#: account's folder, a key that has ended before it is made, a password that is too common, a receiver that is no public address, words of a
#: search that name nothing, text that is no date. Everything else that is valid must be accepted.
_ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "429"]
CONFIGURATION = {
    "operations": [
        {"include-path": path, "include-method": method, "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, "422"]}}}
        for method, path in (
            ("GET", "/v1/uploads"),
            ("GET", "/v1/analyses.zip"),
            ("POST", "/v1/uploads"),
            ("POST", "/v1/keys"),
            ("POST", "/v1/accounts"),
            ("POST", "/v1/webhooks"),
            ("PATCH", "/v1/webhooks/{webhook_id}"),
        )
    ],
}
# What only we make up: the document names a format, and these are values of it.
schemathesis.openapi.format("cursor", strategies.builds(lambda: cursors.write(datetime.now(UTC), uuid4())))
schemathesis.openapi.format("idempotency-key", strategies.builds(lambda: str(uuid4())))
schema = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict(CONFIGURATION))


@pytest.fixture(scope="module")
def api(start_api: Starter) -> Iterator[ApiProcess]:
    """An API that lets itself be asked as often as one likes."""
    with start_api({"VALENCE_API_REQUESTS_A_MINUTE": "1000000", "VALENCE_LIMITS_UNSENT_UPLOADS": "1000000"}) as process:
        yield process


@pytest.fixture(scope="module")
def everything(server_environment: dict[str, str]) -> str:
    """A key that may do everything."""

    async def make() -> str:
        database = Database(server_environment["DATABASE_URL"], connections=1)
        name = f"schemathesis-{uuid4()}"
        account_id = await accounts.create_account(database, name)
        assert isinstance(account_id, UUID)
        key = await accounts.create_key(database, name, list(accounts.Scope))
        await database.close()
        return key.text

    return asyncio.run(make())


@schema.parametrize()
@settings(
    max_examples=4,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any], api: ApiProcess, everything: str) -> None:
    case.call_and_validate(base_url=api.url, headers={"Authorization": f"Bearer {everything}"}, timeout=SECONDS)
