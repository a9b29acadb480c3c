"""Who may ask for what, and how every error looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts, credentials
from api.accounts import Scope
from api.problems import PROBLEMS
from runtime.database import Database
from schemas.jobs import MOST_ATTEMPTS
from schemas.resources import PROBLEM_TYPES
from tests.api_process import ApiProcess, Starter

ROUTES = [
    ("GET", "/v1/uploads/{id}"),
    ("PUT", "/v1/uploads/{id}/content"),
    ("GET", "/v1/uploads/{id}/content"),
    ("PUT", "/v1/uploads/{id}/parts/1"),
    ("GET", "/v1/uploads/{id}/parts"),
    ("POST", "/v1/uploads/{id}/part-urls"),
    ("POST", "/v1/uploads/{id}/complete"),
    ("POST", "/v1/uploads/{id}/retry"),
    ("GET", "/v1/uploads/{id}/analysis"),
    ("GET", "/v1/uploads/{id}/analysis.srt"),
    ("GET", "/v1/uploads/{id}/events"),
]
#: Where nothing listens.
NOWHERE = "127.0.0.1:9"


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    name = document["type"].removeprefix(PROBLEM_TYPES)
    assert (document["status"], document["title"]) == (answer.status_code, PROBLEMS[name].title)
    assert document["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, name


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("method", "route"), ROUTES)
async def test_another_accounts_upload_does_not_exist(http: httpx.AsyncClient, stranger: str, method: str, route: str) -> None:
    upload_id = (await http.post("/v1/uploads", json={"filename": "clip.mp4"})).json()["id"]
    path = route.format(id=upload_id)
    theirs = await http.request(method, path, headers=bearer(stranger))
    assert problem(theirs) == (404, "no-such-upload")
    unknown = await http.request(method, route.format(id=uuid4()))
    assert problem(unknown) == (404, "no-such-upload")
    assert problem(await http.request(method, route.format(id="nonsense"))) == (404, "no-such-upload")
    assert (await http.get("/v1/uploads", headers=bearer(stranger))).json() == {"data": [], "next_cursor": None}


async def test_a_key_is_refused_for_the_reason_that_is_true(http: httpx.AsyncClient, database: Database, account: UUID, key: str) -> None:
    name = f"test-{account}"
    expired = await accounts.create_key(database, name, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    revoked = await accounts.create_key(database, name)
    await accounts.revoke_key(database, revoked.id)
    typo = key[:-1] + ("0" if key[-1] != "0" else "1")
    forged = credentials.Key(credentials.parse(key).id, credentials.mint().secret).text
    refusals = {
        "missing-key": [{"Authorization": ""}, {"Authorization": f"Basic {key}"}],
        "malformed-key": [bearer(typo), bearer("val_live_x"), bearer("Ü")],
        "unknown-key": [bearer(credentials.mint().text), bearer(forged)],
        "revoked-key": [bearer(revoked.text)],
        "expired-key": [bearer(expired.text)],
    }
    for expected, headers in refusals.items():
        for header in headers:
            answer = await http.get("/v1/uploads", headers=[(name.encode(), value.encode()) for name, value in header.items()])
            assert problem(answer) == (401, expected)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_account_counts_only_the_keys_that_work(database: Database, account: UUID) -> None:
    name, now = f"test-{account}", datetime.now(UTC)
    for end in (None, now + timedelta(days=1), now - timedelta(seconds=1)):
        await accounts.create_key(database, name, expires_at=end)
    await accounts.revoke_key(database, (await accounts.create_key(database, name)).id)
    assert [found["keys"] for found in await accounts.accounts(database) if found["name"] == name] == [2]


async def test_a_key_that_may_only_read_cannot_write(http: httpx.AsyncClient, database: Database, account: UUID) -> None:
    reader = bearer((await accounts.create_key(database, f"test-{account}", [Scope.READ])).text)
    assert (await http.get("/v1/uploads", headers=reader)).status_code == 200
    answer = await http.post("/v1/uploads", json={"filename": "clip.mp4"}, headers=reader)
    assert problem(answer) == (403, "missing-scope")
    assert "uploads:write" in answer.json()["detail"]


async def test_a_keys_last_use_is_noted(http: httpx.AsyncClient, database: Database, key: str) -> None:
    await http.get("/v1/uploads")
    async with database.transaction() as connection:
        found = await connection.execute("select last_used_at from api_keys where id = %s", [credentials.parse(key).id])
        row = await found.fetchone()
    assert row is not None
    assert row["last_used_at"] is not None


async def test_an_upload_at_its_last_attempt_cannot_be_retried(http: httpx.AsyncClient, database: Database) -> None:
    upload_id = (await http.post("/v1/uploads", json={"filename": "clip.mp4"})).json()["id"]
    async with database.transaction() as connection:
        await connection.execute("update uploads set attempt = %s, status = 'failed' where id = %s", [MOST_ATTEMPTS, upload_id])
    answer = await http.post(f"/v1/uploads/{upload_id}/retry")
    assert problem(answer) == (409, "no-attempts-left")
    assert "a new upload" in answer.json()["detail"]


async def test_every_error_of_the_framework_is_a_problem_too(http: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/v1", "/v1/nowhere", "/v1/nowhere/at-all"):
        assert problem(await http.get(path)) == (404, "no-such-route"), path
    refused = await http.delete("/v1/uploads")
    assert problem(refused) == (405, "method-not-allowed")
    assert "POST" in refused.headers["allow"]
    as_json = {"Content-Type": "application/json"}
    assert problem(await http.post("/v1/uploads", content=b"{", headers=as_json)) == (400, "malformed-request")
    assert problem(await http.post("/v1/uploads", content=b'"\xff"', headers=as_json)) == (400, "malformed-request")
    assert problem(await http.post("/v1/uploads", data={"filename": "x"})) == (415, "unsupported-media-type")
    assert problem(await http.post("/v1/uploads", content=bytes(100_000), headers=as_json)) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({}, "filename", None),
        ({"filename": 5}, "filename", 5),
        ({"filename": "x", "bytes": -1}, "bytes", -1),
        ({"filename": "x", "bytes": "5"}, "bytes", "5"),
        ({"filename": "x", "captions": True}, "captions", True),
        ({"filename": "x", "options": {"captoins": True}}, "options.captoins", True),
        ({"filename": "a\0b"}, "filename", "a\0b"),
        ([], "body", "list"),
    ],
)
async def test_a_wrong_value_is_named_with_what_was_expected(http: httpx.AsyncClient, body: object, field: str, value: object) -> None:
    answer = await http.post("/v1/uploads", json=body)
    assert problem(answer) == (422, "invalid-request")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["value"]) == (field, value)
    assert error["expected"]
    assert error["expected"] in answer.json()["detail"]


async def test_what_can_be_got_can_be_asked_for_without_the_body_and_methods_are_told_to_everybody(
    api: ApiProcess, http: httpx.AsyncClient
) -> None:
    for path in ("/", "/healthz", "/v1/uploads", "/v1/events", "/v1/openapi.json"):
        answer = await http.head(path)
        assert (answer.status_code, answer.content) == (200, b""), path
    assert (await http.head(f"/v1/uploads/{uuid4()}")).status_code == 404
    async with httpx.AsyncClient(base_url=api.url) as anonymous:
        assert (await anonymous.head("/v1/uploads")).status_code == 401
        told = await anonymous.options("/v1/uploads")
        assert (told.status_code, told.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
        wrong = await anonymous.patch("/v1/uploads")
        assert problem(wrong) == (405, "method-not-allowed")
        assert wrong.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert (await anonymous.head("/v1/password-resets")).status_code == 405


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=done", "after=zzz", "after=MjAyNi0wMS0wMSB4"])
async def test_a_wrong_query_is_named(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/v1/uploads?{query}")
    assert problem(answer) == (422, "invalid-request")
    field, _, value = query.partition("=")
    assert [(error["field"], error["value"]) for error in answer.json()["errors"]] == [(field, value)]


async def test_pages_show_every_upload_once_newest_first(http: httpx.AsyncClient) -> None:
    made = [(await http.post("/v1/uploads", json={"filename": f"{n}.mp4"})).json()["id"] for n in range(7)]
    await http.put(f"/v1/uploads/{made[0]}/content", content=b"x")
    seen: list[str] = []
    after = ""
    for size in (3, 3, 1):
        page = (await http.get(f"/v1/uploads?limit=3{after}")).json()
        assert len(page["data"]) == size
        seen += [upload["id"] for upload in page["data"]]
        after = f"&after={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == made[::-1]
    received = (await http.get("/v1/uploads?status=received&status=validated")).json()["data"]
    assert [upload["id"] for upload in received] == made[:1]


async def test_answers_carry_the_callers_ids_and_protective_headers(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/uploads", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    other = await http.get("/v1/uploads", headers={"X-Request-ID": "a b\tc"})
    assert other.headers["x-request-id"] != "a b\tc"


async def test_every_answer_tells_how_often_an_account_may_still_ask_and_a_refusal_when_to_come_back(start_api: Starter, key: str) -> None:
    with start_api({"VALENCE_API_REQUESTS_A_MINUTE": "2"}, page="/healthz") as api:
        async with httpx.AsyncClient(base_url=api.url, headers=bearer(key), timeout=30) as http:
            answers = [await http.get("/v1/uploads"), await http.get("/v1/uploads/nonsense"), await http.get("/v1/uploads")]
    assert problem(answers[2]) == (429, "too-many-requests")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"account";q=2;w=60'] * 3
    assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers] == [f'"account";r={left}' for left in (1, 0, 0)]


async def test_a_trace_goes_on_in_the_events_that_a_request_causes(http: httpx.AsyncClient, database: Database) -> None:
    trace_id = uuid4().hex
    answer = await http.post("/v1/uploads", json={"filename": "x"}, headers={"traceparent": f"00-{trace_id}-{'1' * 16}-01"})
    async with database.transaction() as connection:
        found = await connection.execute("select headers from outbox where aggregateid = %s", [answer.json()["id"]])
        assert [trace_id in row["headers"]["traceparent"] for row in await found.fetchall()] == [True]


async def test_metrics_name_routes_by_their_template_and_are_on_the_operators_port_alone(http: httpx.AsyncClient, api: ApiProcess) -> None:
    await http.get(f"/v1/uploads/{uuid4()}")
    await http.get("/no/such/thing")
    for page in ("/metrics", "/readyz"):
        assert problem(await http.get(page)) == (404, "no-such-route")
    text = (await http.get(f"{api.health_url}/metrics")).text
    assert 'valence_request_duration_seconds_count{method="GET",route="/v1/uploads/{upload_id}",status="404"}' in text
    assert 'route="unmatched"' in text
    assert "/no/such" not in text


async def test_the_openapi_document_describes_every_route_and_only_problems_as_errors(api: ApiProcess) -> None:
    async with httpx.AsyncClient(base_url=api.url) as anonymous:
        document = (await anonymous.get("/v1/openapi.json")).json()
    paths = document["paths"]
    assert {path for _, path in ROUTES} <= {path.replace("{upload_id}", "{id}").replace("{number}", "1") for path in paths}
    assert paths["/v1/uploads"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/CreateUpload")
    assert {"CreateUpload", "UploadOptions", "Upload", "Analysis", "ProblemDocument"} <= set(document["components"]["schemas"])
    for path, operations in paths.items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if path.startswith("/v1") and int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


async def test_while_postgresql_is_away_the_api_says_so_and_when_to_come_back(start_api: Starter, key: str) -> None:
    with start_api({"DATABASE_URL": f"postgresql://x:x@{NOWHERE}/x"}, page="/healthz") as api:
        async with httpx.AsyncClient(base_url=api.url, headers=bearer(key), timeout=30) as http:
            answer = await http.get("/v1/uploads")
            assert problem(answer) == (503, "dependency-unavailable")
            assert "postgresql" in answer.json()["detail"]
            assert answer.headers["retry-after"] == "5"
            ready = await http.get(f"{api.health_url}/readyz")
            assert (ready.status_code, "waiting for postgresql" in ready.json()["obstacles"]) == (503, True)


async def test_while_s3_is_away_content_is_refused_and_the_upload_stays_open(start_api: Starter, key: str) -> None:
    with start_api({"AWS_ENDPOINT_URL_S3": f"http://{NOWHERE}"}, page="/healthz") as api:
        async with httpx.AsyncClient(base_url=api.url, headers=bearer(key), timeout=30) as http:
            upload_id = (await http.post("/v1/uploads", json={"filename": "x"})).json()["id"]
            for size in (5, 20 * 1024**2):
                answer = await http.put(f"/v1/uploads/{upload_id}/content", content=bytes(size))
                assert problem(answer) == (503, "dependency-unavailable")
            assert (await http.get(f"/v1/uploads/{upload_id}")).json()["status"] == "uploading"
            assert (await http.get(f"{api.health_url}/readyz")).json()["obstacles"] == ["waiting for s3"]


async def test_while_kafka_is_away_uploads_are_taken_and_streams_are_not(start_api: Starter, key: str) -> None:
    with start_api({"KAFKA_BOOTSTRAP_SERVERS": NOWHERE}, page="/healthz") as api:
        async with httpx.AsyncClient(base_url=api.url, headers=bearer(key), timeout=30) as http:
            upload_id = (await http.post("/v1/uploads", json={"filename": "x"})).json()["id"]
            assert (await http.put(f"/v1/uploads/{upload_id}/content", content=b"x")).status_code == 200
            answer = await http.get("/v1/events")
            assert problem(answer) == (503, "busy")
            assert answer.headers["retry-after"]
            (obstacle,) = (await http.get(f"{api.health_url}/readyz")).json()["obstacles"]
            assert obstacle.startswith("waiting for kafka")
