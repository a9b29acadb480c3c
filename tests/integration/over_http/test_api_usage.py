"""What an account has used, over real HTTP, and what it is told when there is nothing left."""

from __future__ import annotations

from uuid import UUID

import httpx

from api import accounts
from runtime import uploads
from runtime.database import Database
from schemas.failures import Failure
from schemas.status import Status
from tests.api_process import ApiProcess
from tests.integration.over_http.people import browser, problem, sign_up


async def test_whoever_signs_up_has_the_plan_that_the_operator_chose(api: ApiProcess) -> None:
    async with browser(api.url) as http:
        person = await sign_up(http)
        usage = (await person.http.get("/v1/usage")).json()
    assert (usage["plan"], usage["videos"]) == ("free", {"used": 0, "reserved": 0, "limit": 100})
    assert usage["minutes"] == {"used": 0, "reserved": 0, "limit": 300}
    assert usage["resets_at"] > usage["month"]


async def test_without_anything_left_no_video_is_taken_or_tried_again_until_something_is(
    http: httpx.AsyncClient, database: Database, account: UUID
) -> None:
    plan = f"plan-{account}"
    await accounts.define_plan(database, plan, 1, None)
    await accounts.set_plan(database, f"test-{account}", plan)
    first, second = [(await http.post("/v1/uploads", json={"filename": "x"})).json()["id"] for _ in range(2)]
    assert (await http.put(f"/v1/uploads/{first}/content", content=b"x")).status_code == 200
    assert (await http.get("/v1/usage")).json()["videos"] == {"used": 0, "reserved": 1, "limit": 1}
    late = await http.put(f"/v1/uploads/{second}/content", content=b"x")
    assert problem(late) == (402, "quota-exhausted")
    assert "1 videos a month, 0 of them are left" in late.json()["detail"]
    assert (await http.get(f"/v1/uploads/{second}")).json()["status"] == "uploading"
    assert problem(await http.post("/v1/uploads", json={"filename": "x"})) == (402, "quota-exhausted")
    async with database.transaction() as connection:
        await uploads.apply_status(connection, UUID(first), 1, Status.FAILED, "/tests", Failure(code="x", message="y"))
    assert (await http.put(f"/v1/uploads/{second}/content", content=b"x")).status_code == 200
    assert problem(await http.post(f"/v1/uploads/{first}/retry")) == (402, "quota-exhausted")
    assert (await http.get(f"/v1/uploads/{first}")).json()["status"] == "failed", "nothing half-done"
