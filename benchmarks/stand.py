"""The system that is measured: the local stack, with an endpoint that answers at once in place of the model's container."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from api import accounts
from local.processes import PROCESSES, OurProcess
from local.stack import Stack
from runtime import database as databases
from runtime import provisioning
from runtime import settings as configuration
from runtime.database import Database
from runtime.settings import Settings

#: The container does nothing while the endpoint answers at once.
OURS = tuple(process for process in PROCESSES if process.name != "model")


class Caller(NamedTuple):
    """An account and a key of it."""

    account_id: str
    key: str


class Stand(Stack):
    """A stack whose endpoint answers at once, or `answer_delay_seconds` later.

    `rows` replaces the table of processes: a mutation of ours is put in by it. `prepared` is called with this stand when the servers serve
    and before our processes start. Its servers' addresses are in this process's own environment too, for boto3.
    """

    def __init__(
        self,
        data: Path,
        *,
        workers: int,
        rows: Sequence[OurProcess] = OURS,
        settings: Mapping[str, str] | None = None,
        answer_delay_seconds: float = 0.0,
        prepared: Callable[[Stand], None] = lambda stand: None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        instant = {
            "VALENCE_SAGEMAKER_ANSWER": "instant",
            "VALENCE_SAGEMAKER_CONCURRENCY": "32",
            "VALENCE_SAGEMAKER_DELAY_SECONDS": str(answer_delay_seconds),
        }
        super().__init__(
            data,
            processes=rows,
            prepare=lambda _: self._provision(prepared),
            settings=instant | dict(settings or {}),
            workers=workers,
            report=report,
        )
        self.settings: Settings
        self.database: Database

    def _provision(self, prepared: Callable[[Stand], None]) -> None:
        self.wait_for_servers()
        os.environ.update(self.environment())
        self.settings = configuration.load(self.environment())
        provisioning.create_topics(self.settings)
        provisioning.create_storage(self.settings)
        asyncio.run(databases.migrate(self.settings.database_url))
        self.database = Database(self.settings.database_url, patient=True)
        prepared(self)

    async def caller(self, name: str) -> Caller:
        """A new account with a key."""
        account_id = await accounts.create_account(self.database, name)
        key = await accounts.create_key(self.database, name)
        return Caller(str(account_id), key.text)

    def client(self, caller: Caller) -> httpx.AsyncClient:
        """HTTP as a caller: plain, so that nothing between hides a repeat or tries again unseen."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        headers = {"authorization": f"Bearer {caller.key}"}
        return httpx.AsyncClient(base_url=self.address("api"), headers=headers, timeout=60.0, limits=limits, trust_env=False)
