"""What the routes work with: one object, made in `app.py` and handed to every route."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.archive_places import ArchivePlaces
from api.content_places import ContentPlaces
from api.forecasts import Forecasts
from api.passwords import Passwords
from api.principal import Principal
from api.status_feed import StatusFeed
from api.status_hub import StatusHub
from api.thumbnails import Thumbnails
from runtime.database import Database
from runtime.destinations import Destinations
from runtime.links import S3Links
from runtime.multipart import ObjectWriters
from runtime.parts import ObjectParts
from runtime.settings import Settings
from runtime.storage import ObjectStorage
from schemas.jobs import source_key

#: The API in the envelope of its events.
PUBLISHER = "/api"
#: Objects that are read whole at the same time to check their digests.
VERIFYING_AT_ONCE = 2


@dataclass(frozen=True)
class Services:
    """The settings, the servers' clients, and the live status of this worker."""

    settings: Settings
    database: Database
    storage: ObjectStorage
    writers: ObjectWriters
    parts: ObjectParts
    links: S3Links
    hub: StatusHub
    feed: StatusFeed
    destinations: Destinations
    forecasts: Forecasts
    thumbnails: Thumbnails
    passwords: Passwords = field(default_factory=Passwords)
    contents: ContentPlaces = field(default_factory=ContentPlaces)
    archives: ArchivePlaces = field(default_factory=ArchivePlaces)
    verifying: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(VERIFYING_AT_ONCE))

    def place(self, upload_id: UUID) -> tuple[str, str]:
        """The bucket and the key of the content that comes through the API."""
        return self.settings.storage.bucket, source_key(upload_id)


#: The services as a route's parameter.
Injected = NamedDependency[SkipValidation[Services]]
#: A request behind a key or a session.
Authenticated = Request[Principal, str, State]
