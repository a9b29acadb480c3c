"""What the routes work with: one object, made in `app.py` and handed to every route."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from litestar import Request
from litestar.datastructures import State
from litestar.params import Dependency

from api.accounts import Principal
from api.status_feed import StatusFeed
from api.status_hub import StatusHub
from runtime.database import Database
from runtime.multipart import ObjectWriters
from runtime.settings import Settings
from runtime.storage import ObjectStorage

#: The API in the envelope of its events.
PUBLISHER = "/api"
#: Uploads that stream in at the same time; each holds up to 32 MiB.
CONTENTS_AT_ONCE = 32


@dataclass(frozen=True)
class Services:
    """The settings, the servers' clients, and the live status of this worker."""

    settings: Settings
    database: Database
    storage: ObjectStorage
    writers: ObjectWriters
    hub: StatusHub
    feed: StatusFeed
    contents: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONTENTS_AT_ONCE))


#: The services as a route's parameter.
Injected = Annotated[Services, Dependency(skip_validation=True)]
#: A request behind a key.
Authenticated = Request[Principal, str, State]
