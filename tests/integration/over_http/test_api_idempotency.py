"""Requests that are sent again because their answer was lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from runtime.database import Database
from tests.chain import select
from tests.upload_calls import announce, problem

BODY = {"filename": "clip.mp4"}


def named(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_a_request_that_is_sent_again_makes_one_upload_and_is_answered_alike(http: httpx.AsyncClient) -> None:
    first = await http.post("/v1/uploads", json=BODY, headers=named("a"))
    again = await http.post("/v1/uploads", json=BODY, headers=named("a"))
    assert (again.status_code, again.json(), again.headers["location"]) == (201, first.json(), first.headers["location"])
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    other = await http.post("/v1/uploads", json=BODY, headers=named("b"))
    listed = (await http.get("/v1/uploads")).json()["data"]
    assert {upload["id"] for upload in listed} == {first.json()["id"], other.json()["id"]}


async def test_of_many_at_once_one_is_done_and_the_others_are_told_to_wait_or_answered_alike(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(http.post("/v1/uploads", json=BODY, headers=named("a")) for _ in range(20)))
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    waiting = [answer for answer in answers if answer.status_code != 201]
    assert {problem(answer) for answer in waiting} <= {(409, "request-in-progress")}
    assert {answer.headers["retry-after"] for answer in waiting} <= {"1"}
    assert len((await http.get("/v1/uploads")).json()["data"]) == 1


async def test_a_key_belongs_to_one_request_of_one_account(http: httpx.AsyncClient, stranger: str) -> None:
    first = (await http.post("/v1/uploads", json=BODY, headers=named("a"))).json()["id"]
    other_body = await http.post("/v1/uploads", json={"filename": "other.mp4"}, headers=named("a"))
    other_address = await http.post(f"/v1/uploads/{first}/retry", headers=named("a"))
    assert {problem(answer) for answer in (other_body, other_address)} == {(422, "idempotency-key-reused")}
    theirs = await http.post("/v1/uploads", json=BODY, headers={**named("a"), "Authorization": f"Bearer {stranger}"})
    assert (theirs.status_code, theirs.json()["id"] == first) == (201, False)


async def test_a_refused_request_leaves_its_key_free(http: httpx.AsyncClient) -> None:
    upload_id = await announce(http, bytes=5)
    path = f"/v1/uploads/{upload_id}/complete"
    assert problem(await http.post(path, headers=named("a"))) == (409, "parts-missing")
    await http.put(f"/v1/uploads/{upload_id}/parts/1", content=b"video")
    assert (await http.post(path, headers=named("a"))).json()["status"] == "received"
    assert (await http.post(path, headers=named("a"))).headers["idempotency-replayed"] == "true"


async def test_a_retry_that_is_sent_again_starts_one_attempt(http: httpx.AsyncClient, database: Database) -> None:
    upload_id = await announce(http)
    await http.put(f"/v1/uploads/{upload_id}/content", content=b"video")
    await select(database, "update uploads set status = 'failed' where id = %s", UUID(upload_id))
    path = f"/v1/uploads/{upload_id}/retry"
    first, again = [await http.post(path, headers=named("a")) for _ in range(2)]
    assert [(answer.status_code, answer.json()["attempt"]) for answer in (first, again)] == [(202, 2), (202, 2)]
    assert problem(await http.post(path, headers=named("b"))) == (409, "upload-not-ended")


@pytest.mark.parametrize("name", ["", "k" * 256])
async def test_a_key_has_some_characters_and_not_too_many(http: httpx.AsyncClient, name: str) -> None:
    assert problem(await http.post("/v1/uploads", json=BODY, headers=named(name))) == (422, "invalid-request")


async def test_a_key_whose_server_died_is_claimed_again_after_a_while_and_an_old_answer_is_forgotten(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    first = (await http.post("/v1/uploads", json=BODY, headers=named("a"))).json()["id"]

    async def age(by: timedelta, *, answered: bool) -> None:
        unanswered = "" if answered else ", status = null, body = null"
        await select(database, f"update idempotency_keys set started_at = now() - %s{unanswered} where account_id = %s", by, account)  # noqa: S608

    await age(timedelta(seconds=30), answered=False)
    assert problem(await http.post("/v1/uploads", json=BODY, headers=named("a"))) == (409, "request-in-progress")
    await age(timedelta(seconds=61), answered=False)
    second = (await http.post("/v1/uploads", json=BODY, headers=named("a"))).json()["id"]
    await age(timedelta(hours=23), answered=True)
    assert (await http.post("/v1/uploads", json=BODY, headers=named("a"))).json()["id"] == second
    await age(timedelta(hours=25), answered=True)
    third = (await http.post("/v1/uploads", json=BODY, headers=named("a"))).json()["id"]
    assert len({first, second, third}) == 3
