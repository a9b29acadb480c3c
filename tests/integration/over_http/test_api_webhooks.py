"""Webhooks as their owner makes, changes and replays them, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.webhooks import MOST_WEBHOOKS
from runtime.database import Database
from schemas.webhooks import ENDINGS
from tests.api_process import ApiProcess
from tests.chain import select
from tests.integration.over_http.people import Person, browser, problem, sign_up
from tests.integration.webhook_desk import Desk
from tests.webhook_receiver import Receiver, Reply, receiving

URL = "https://1.1.1.1/hook"


@pytest.fixture
async def person(api: ApiProcess, database: Database) -> AsyncIterator[Person]:
    """Somebody who has just signed up, and who leaves no webhook behind."""
    async with browser(api.url) as http:
        person = await sign_up(http)
        yield person
        await select(database, "delete from webhooks where account_id = %s", person.account_id)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def desk(person: Person, database: Database) -> AsyncIterator[Desk]:
    """What tells the person's webhooks."""
    desk = Desk(database, person.account_id)
    yield desk
    await desk.end()


async def make(http: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await http.post("/v1/webhooks", json={"url": URL, **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/webhooks/{made['id']}"
    return made


async def lead(database: Database, made: dict[str, Any], receiver: Receiver) -> None:
    """Let a webhook lead to loopback, which this API lets nobody do."""
    await select(database, "update webhooks set url = %s where id = %s", receiver.url, made["id"])


async def actions(http: httpx.AsyncClient) -> list[str]:
    return [event["action"] for event in (await http.get("/v1/audit")).json()["data"]]


async def test_a_webhook_is_told_of_endings_unless_it_says_otherwise_and_its_secret_is_shown_once(person: Person) -> None:
    made = await make(person.http, description="our server")
    assert set(made["events"]) == set(ENDINGS)
    assert made["secret"].startswith("whsec_")
    shown = await person.http.get(f"/v1/webhooks/{made['id']}")
    assert shown.json() == {name: value for name, value in made.items() if name != "secret"}
    assert (await person.http.get("/v1/webhooks")).json() == {"data": [shown.json()]}
    assert made["secret"] not in (await person.http.get("/v1/audit")).text
    assert (await actions(person.http))[0] == "account:webhook:create"


async def test_what_is_changed_is_another_and_the_rest_stays(person: Person) -> None:
    made = await make(person.http, description="our server")
    path = f"/v1/webhooks/{made['id']}"
    changed = (await person.http.patch(path, json={"events": ["upload.failed"], "description": None})).json()
    assert (changed["events"], changed["description"], changed["url"]) == (["upload.failed"], None, URL)
    assert (await person.http.patch(path, json={"enabled": False})).json()["events"] == ["upload.failed"]
    assert problem(await person.http.patch(path, json={"url": "https://10.0.0.1/"})) == (422, "invalid-request")
    assert problem(await person.http.patch(path, json={"secret": "mine"})) == (422, "invalid-request")
    assert (await person.http.delete(path)).status_code == 204
    assert problem(await person.http.get(path)) == (404, "no-such-webhook")
    assert (await actions(person.http))[:3] == ["account:webhook:delete", "account:webhook:change", "account:webhook:change"]


@pytest.mark.parametrize(
    "url",
    [
        "http://1.1.1.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://u:p@1.1.1.1/",
        "https://1.1.1.1:25/",
        "https://no.invalid/",
    ],
)
async def test_an_address_that_is_not_public_is_refused_where_it_is_named(person: Person, url: str) -> None:
    answer = await person.http.post("/v1/webhooks", json={"url": url})
    assert problem(answer) == (422, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]


async def test_this_machine_is_no_receiver_unless_the_operator_says_so(person: Person, receiver: Receiver) -> None:
    for url in (receiver.url, receiver.url.replace("http:", "https:"), "https://localhost:8443/", "https://[::1]:8443/"):
        assert problem(await person.http.post("/v1/webhooks", json={"url": url})) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"events": []}, "events"), ({"events": ["upload.created"]}, "events[0]"), ({"url": "x" * 2_049}, "url"), ({"x": 1}, "x")],
)
async def test_a_wrong_wish_is_named(person: Person, wrong: dict[str, Any], field: str) -> None:
    answer = await person.http.post("/v1/webhooks", json={"url": URL, **wrong})
    assert problem(answer) == (422, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_account_has_so_many_webhooks_and_no_more(person: Person) -> None:
    for _ in range(MOST_WEBHOOKS):
        await make(person.http)
    assert problem(await person.http.post("/v1/webhooks", json={"url": URL})) == (409, "too-many-webhooks")


async def test_while_a_secret_is_changed_both_sign(person: Person, desk: Desk, receiver: Receiver) -> None:
    made = await make(person.http)
    await lead(desk.database, made, receiver)
    changed = (await person.http.post(f"/v1/webhooks/{made['id']}/secret")).json()
    assert changed["secret"] != made["secret"]
    assert changed["previous_until"] is not None
    await desk.tell()
    await desk.work()
    desk.now += timedelta(hours=25)
    await desk.tell()
    await desk.work()
    during, after = receiver.got
    assert (during.is_signed_by(made["secret"]), during.is_signed_by(changed["secret"])) == (True, True)
    assert (after.is_signed_by(made["secret"]), after.is_signed_by(changed["secret"])) == (False, True)
    assert (await actions(person.http))[0] == "account:webhook:rotate"


async def test_a_test_is_sent_and_the_delivery_tells_what_came_of_it(person: Person, desk: Desk, receiver: Receiver) -> None:
    made = await make(person.http)
    await lead(desk.database, made, receiver)
    receiver.replies.append(Reply(500, b"not yet"))
    sent = await person.http.post(f"/v1/webhooks/{made['id']}/test")
    assert (sent.status_code, sent.json()["state"], sent.json()["attempts"]) == (202, "pending", 0)
    desk.now = datetime.now(UTC)
    await desk.work()
    delivery = (await person.http.get(f"/v1/webhooks/{made['id']}/deliveries/{sent.json()['id']}")).json()
    assert (delivery["type"], delivery["state"], delivery["message"]["data"]) == ("webhook.test", "pending", {"webhook_id": made["id"]})
    (attempt,) = delivery["newest_attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"], attempt["answer"]) == (1, 500, None, "not yet")
    assert attempt["duration_seconds"] > 0
    assert delivery["next_attempt_at"] > attempt["at"]
    assert receiver.got[0].is_signed_by(made["secret"])


async def test_deliveries_are_listed_newest_first_by_their_state_a_page_at_a_time(person: Person, desk: Desk, receiver: Receiver) -> None:
    made = await make(person.http)
    await lead(desk.database, made, receiver)
    receiver.replies += [Reply(410)]
    for _ in range(3):
        await desk.tell()
        desk.now += timedelta(seconds=1)
    (one,) = await desk.sender.claim(1)
    await desk.sender.record(one, await desk.sender.send(one))
    path = f"/v1/webhooks/{made['id']}/deliveries"
    first = (await person.http.get(path, params={"limit": 2})).json()
    second = (await person.http.get(path, params={"limit": 2, "after": first["next_cursor"]})).json()
    seen = [delivery["created_at"] for delivery in first["data"] + second["data"]]
    assert seen == sorted(seen, reverse=True)
    assert (len(seen), second["next_cursor"]) == (3, None)
    assert len((await person.http.get(path, params={"state": "failed"})).json()["data"]) == 3
    assert (await person.http.get(path, params={"state": "delivered"})).json()["data"] == []
    assert problem(await person.http.get(path, params={"after": "x"})) == (422, "invalid-request")


async def test_what_has_failed_is_replayed_one_by_one_or_all_since_a_time(person: Person, desk: Desk, receiver: Receiver) -> None:
    made = await make(person.http)
    await lead(desk.database, made, receiver)
    path = f"/v1/webhooks/{made['id']}"
    receiver.replies.append(Reply(410))
    began = desk.now = datetime.now(UTC)
    for _ in range(3):
        await desk.tell()
        desk.now += timedelta(seconds=1)
    (one,) = await desk.sender.claim(1)
    await desk.sender.record(one, await desk.sender.send(one))
    assert problem(await person.http.post(f"{path}/test")) == (409, "webhook-disabled")
    assert problem(await person.http.post(f"{path}/deliveries/{one['id']}/replay")) == (409, "webhook-disabled")
    assert problem(await person.http.post(f"{path}/replay", json={"since": began.isoformat()})) == (409, "webhook-disabled")
    enabled = (await person.http.patch(path, json={"enabled": True})).json()
    assert (enabled["disabled_reason"], enabled["failing_since"]) == (None, None)
    replayed = await person.http.post(f"{path}/deliveries/{one['id']}/replay")
    assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")
    desk.now = datetime.now(UTC) + timedelta(seconds=5)
    assert await desk.work() == 1
    assert [got.id for got in receiver.got] == [str(one["message_id"])] * 2
    since = (began + timedelta(seconds=1.5)).isoformat()
    assert (await person.http.post(f"{path}/replay", json={"since": since})).json() == {"replayed": 1}
    assert problem(await person.http.post(f"{path}/replay", json={"since": "yesterday"})) == (422, "invalid-request")
    assert await desk.work() == 1
    assert sorted(await desk.states()) == [("delivered", 1), ("delivered", 2), ("failed", 0)]


async def test_what_is_disabled_is_told_nothing_and_what_was_pending_has_failed(person: Person, desk: Desk, receiver: Receiver) -> None:
    made = await make(person.http)
    await lead(desk.database, made, receiver)
    await desk.tell()
    await person.http.patch(f"/v1/webhooks/{made['id']}", json={"enabled": False})
    await desk.tell()
    assert await desk.states() == [("failed", 0)] * 2
    assert await desk.work() == 0


async def test_tests_and_replays_are_counted(person: Person, database: Database) -> None:
    made = await make(person.http)
    await select(
        database,
        "insert into throttles (subject, empty_at) values (%s, now() + interval '1 hour')",
        f"webhooks of {UUID(str(person.account_id))}",
    )
    assert problem(await person.http.post(f"/v1/webhooks/{made['id']}/test")) == (429, "too-many-tries")
