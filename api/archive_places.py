"""How many archives are sent at once."""

from __future__ import annotations

from api.places import Places
from api.problems import TooManyArchives

ARCHIVES_PER_WORKER = 32
ARCHIVES_PER_ACCOUNT = 4


class ArchivePlaces(Places):
    """The archives that this worker is sending; TooManyArchives where an account is sent enough."""

    def __init__(self, *, per_account: int = ARCHIVES_PER_ACCOUNT, per_worker: int = ARCHIVES_PER_WORKER) -> None:
        super().__init__(
            per_account,
            per_worker,
            TooManyArchives,
            f"the account is being sent {per_account} archives, and gets no more at once: fetch this after one of them",
            "this server is sending as many archives as it may at once: try again",
        )
