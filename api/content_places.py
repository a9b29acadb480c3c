"""How much content comes in at once, so that a slow sender cannot keep everybody else out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.places import Places
from api.problems import TooManyContents

#: What a content that is sent whole holds at most: three parts on their way to S3 and one that fills.
CONTENT_BYTES = 32 * 1024**2
CONTENTS_PER_WORKER = 32
CONTENTS_PER_ACCOUNT = 8


class ContentPlaces(Places):
    """The memory that contents and parts take that are coming in to this worker; TooManyContents where an account sends enough."""

    def __init__(self, *, per_account: int = CONTENTS_PER_ACCOUNT, per_worker: int = CONTENTS_PER_WORKER) -> None:
        super().__init__(
            per_account * CONTENT_BYTES,
            per_worker * CONTENT_BYTES,
            TooManyContents,
            "the account is sending as much at once as it may: send this after what is on its way",
            "as many uploads as this server takes at once are coming in: try again",
        )

    @contextmanager
    def taken(self, account_id: UUID, size: int = CONTENT_BYTES) -> Iterator[None]:
        """Room for `size` bytes; what is larger than an account may send comes alone."""
        with super().taken(account_id, min(size, self._per_account)):
            yield
