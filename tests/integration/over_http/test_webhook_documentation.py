"""The examples of docs/webhooks.md: the commands make and use a webhook, and the receivers take what is ours and nothing else."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api import accounts
from api.accounts import Scope
from runtime.database import Database
from schemas.webhooks import WebhookEvent
from tests.api_process import ApiProcess, free_port
from tests.chain import select
from tests.documentation import run
from tests.integration.webhook_desk import Desk
from tests.waiting import until


@pytest.fixture
async def desk(database: Database, account: UUID) -> AsyncIterator[Desk]:
    """Webhooks of a new account."""
    desk = Desk(database, account)
    yield desk
    await desk.end()


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


async def test_the_commands_make_try_replay_and_change_a_webhook(
    api: ApiProcess, desk: Desk, database: Database, account: UUID, tmp_path: Path
) -> None:
    key = await accounts.create_key(database, f"test-{account}", (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE))
    variables = {"VALENCE_API_URL": api.url, "VALENCE_API_KEY": key.text, "RECEIVER": "https://1.1.1.1/hook"}
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    said = await asyncio.to_thread(run, "webhooks.md", "sh", tmp_path, **variables, PATH=path)
    (webhook,) = await select(database, "select id, events, secret from webhooks where account_id = %s", account)
    assert webhook["events"] == [WebhookEvent.ANALYSIS_PERSISTED, WebhookEvent.UPLOAD_FAILED]
    (delivery,) = await select(database, "select id, state from webhook_deliveries where webhook_id = %s", webhook["id"])
    tried, listed = said.splitlines()[0], [line.split() for line in said.splitlines() if "webhook.test" in line]
    assert tried.startswith(f"{delivery['id']} is on its way")
    assert [line[:3] for line in listed] == [[str(delivery["id"]), "pending", "0"]]
    assert said.splitlines()[-1] == "0 are sent again"
    assert (tmp_path / "secret.txt").read_text().startswith("whsec_")


@pytest.mark.parametrize("language", ["python", "js"])
async def test_a_receiver_takes_our_message_and_refuses_a_forged_one(desk: Desk, tmp_path: Path, language: str) -> None:
    port = free_port()
    receiver = asyncio.create_task(
        asyncio.to_thread(run, "webhooks.md", language, tmp_path, VALENCE_WEBHOOK_SECRET=desk.secret, PORT=str(port))
    )
    await until(lambda: receiver.done() or listens(port), "the example listens")
    async with httpx.AsyncClient() as http:
        forged = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        assert (await http.post(f"http://127.0.0.1:{port}/", headers=forged, content=b"{}")).status_code == 400
    await desk.webhook(f"http://127.0.0.1:{port}/")
    await desk.tell()
    await desk.work()
    assert await receiver == "taken: analysis.persisted\n"
    assert [row["status"] for row in await desk.attempts()] == [204]
