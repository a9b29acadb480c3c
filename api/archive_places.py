"""How many archives are sent at once: on this worker, and to one account, so that nobody takes what all have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.problems import Busy, TooManyArchives

ARCHIVES_PER_WORKER = 32
ARCHIVES_PER_ACCOUNT = 4
RETRY_AFTER_SECONDS = "5"


class ArchivePlaces:
    """The archives that this worker is sending, by account."""

    def __init__(self, *, per_account: int = ARCHIVES_PER_ACCOUNT, per_worker: int = ARCHIVES_PER_WORKER) -> None:
        self._per_account, self._per_worker = per_account, per_worker
        self._by_account: Counter[UUID] = Counter()

    @contextmanager
    def taken(self, account_id: UUID) -> Iterator[None]:
        """A place until the end of the body; TooManyArchives or Busy, at once, where there is none."""
        again = {"Retry-After": RETRY_AFTER_SECONDS}
        if self._by_account[account_id] >= self._per_account:
            raise TooManyArchives(
                f"the account is being sent {self._per_account} archives, and gets no more at once: fetch this after one of them",
                headers=again,
            )
        if self._by_account.total() >= self._per_worker:
            raise Busy("this server is sending as many archives as it may at once: try again", headers=again)
        self._by_account[account_id] += 1
        try:
            yield
        finally:
            self._by_account[account_id] -= 1
            if not self._by_account[account_id]:
                del self._by_account[account_id]
