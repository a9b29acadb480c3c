"""Whether the broker is there, for those that would not notice: without work nothing is sent, and a poll of an idle topic says nothing."""

from __future__ import annotations

import asyncio

from runtime.health import Readiness
from runtime.kafka import KafkaWatch

#: How often the broker is asked for a sign of life.
ASK_SECONDS = 5.0


async def watch(bootstrap_servers: str, readiness: Readiness) -> None:
    """Not ready while the broker does not answer, for ever."""
    asking = KafkaWatch(bootstrap_servers)
    while True:
        await readiness.insist(asking.ask)
        await asyncio.sleep(ASK_SECONDS)
