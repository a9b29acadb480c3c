"""How much content comes in at once: on this worker, and of one account, so that a slow sender cannot keep everybody else out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.problems import Busy, TooManyContents

#: What a content that is sent whole holds at most: three parts on their way to S3 and one that fills.
CONTENT_BYTES = 32 * 1024**2
CONTENTS_PER_WORKER = 32
CONTENTS_PER_ACCOUNT = 8
RETRY_AFTER_SECONDS = "5"


class ContentPlaces:
    """The memory that is taken by contents and parts that are coming in to this worker, by account."""

    def __init__(self, *, per_account: int = CONTENTS_PER_ACCOUNT, per_worker: int = CONTENTS_PER_WORKER) -> None:
        self._per_account, self._per_worker = per_account * CONTENT_BYTES, per_worker * CONTENT_BYTES
        self._by_account: Counter[UUID] = Counter()

    @contextmanager
    def taken(self, account_id: UUID, size: int = CONTENT_BYTES) -> Iterator[None]:
        """Room for `size` bytes until the end of the body; TooManyContents or Busy, at once, where there is none."""
        again = {"Retry-After": RETRY_AFTER_SECONDS}
        size = min(size, self._per_account)  # a part that is larger than that comes alone
        if self._by_account[account_id] + size > self._per_account:
            raise TooManyContents("the account is sending as much at once as it may: send this after what is on its way", headers=again)
        if self._by_account.total() + size > self._per_worker:
            raise Busy("as many uploads as this server takes at once are coming in: try again", headers=again)
        self._by_account[account_id] += size
        try:
            yield
        finally:
            self._by_account[account_id] -= size
            if not self._by_account[account_id]:
                del self._by_account[account_id]
