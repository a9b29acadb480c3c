"""How many contents come in at once: on this worker, and of one account, so that a slow sender cannot keep everybody else out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.problems import Busy, TooManyContents

#: Each holds up to 32 MiB.
CONTENTS_PER_WORKER = 32
CONTENTS_PER_ACCOUNT = 8
RETRY_AFTER_SECONDS = "5"


class ContentPlaces:
    """The contents that are coming in to this worker, by account."""

    def __init__(self, *, per_account: int = CONTENTS_PER_ACCOUNT, per_worker: int = CONTENTS_PER_WORKER) -> None:
        self._per_account, self._per_worker = per_account, per_worker
        self._by_account: Counter[UUID] = Counter()

    @contextmanager
    def taken(self, account_id: UUID) -> Iterator[None]:
        """A place until the end of the body; TooManyContents or Busy, at once, where there is none."""
        again = {"Retry-After": RETRY_AFTER_SECONDS}
        if self._by_account[account_id] >= self._per_account:
            raise TooManyContents(
                f"the account is sending {self._per_account} videos at once, and may send no more: send this one after one of them",
                headers=again,
            )
        if self._by_account.total() >= self._per_worker:
            raise Busy("as many uploads as this server takes at once are coming in: try again", headers=again)
        self._by_account[account_id] += 1
        try:
            yield
        finally:
            self._by_account[account_id] -= 1
            if not self._by_account[account_id]:
                del self._by_account[account_id]
