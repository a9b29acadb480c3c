"""Streams end with what opened them: every few seconds one question tells which keys and sessions are worth nothing any more.

It holds on every replica and misses nothing, whoever revoked what and how. While PostgreSQL is away nothing is known, and streams stay.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import timedelta

from api.status_hub import StatusHub
from runtime.database import Database
from runtime.errors import DependencyUnavailable

log = logging.getLogger(__name__)

#: How long a stream may outlive its key or session.
LOOK_SECONDS = 5.0


async def end_revoked(db: Database, hub: StatusHub, idle: timedelta) -> None:
    """End the streams whose key or session was revoked, has expired or is gone."""
    asking = hub.principals()
    keys = [principal.key_id for principal in asking if principal.key_id is not None]
    sessions = [principal.session_id for principal in asking if principal.session_id is not None]
    ended = {row["id"] for row in await db.rows("ended_keys", ids=keys)} if keys else set()
    if sessions:
        ended |= {row["id"] for row in await db.rows("ended_sessions", ids=sessions, idle=idle)}
    hub.end([principal for principal in asking if ended & {principal.key_id, principal.session_id}], "revoked")


async def watch(db: Database, hub: StatusHub, idle: timedelta) -> None:
    """End such streams until cancelled; an error that was not expected ends the process, since revoking must work."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await end_revoked(db, hub, idle)
        except DependencyUnavailable as error:
            log.warning("not known whether open streams may stay", extra={"cause": str(error)})
        except Exception:
            log.critical("crashed on purpose: this error was not expected", exc_info=True)
            os._exit(1)
