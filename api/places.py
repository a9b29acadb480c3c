"""How much goes on at once: on this worker, and for one account, so that nobody takes what all have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.problems import Busy, Problem

RETRY_AFTER_SECONDS = "5"


class Places:
    """What is taken of this worker's places, by account."""

    def __init__(self, per_account: int, per_worker: int, too_many: type[Problem], too_many_detail: str, busy_detail: str) -> None:
        self._per_account, self._per_worker = per_account, per_worker
        self._too_many, self._too_many_detail, self._busy_detail = too_many, too_many_detail, busy_detail
        self._by_account: Counter[UUID] = Counter()

    @contextmanager
    def taken(self, account_id: UUID, size: int = 1) -> Iterator[None]:
        """So many places until the end of the body; the problem of too many, or Busy, at once, where there are not."""
        again = {"Retry-After": RETRY_AFTER_SECONDS}
        if self._by_account[account_id] + size > self._per_account:
            raise self._too_many(self._too_many_detail, headers=again)
        if self._by_account.total() + size > self._per_worker:
            raise Busy(self._busy_detail, headers=again)
        self._by_account[account_id] += size
        try:
            yield
        finally:
            self._by_account[account_id] -= size
            if not self._by_account[account_id]:
                del self._by_account[account_id]
