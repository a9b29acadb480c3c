"""A deployment in a test: where it is, a clock that only sleeping moves, and carrying a plan out."""

from __future__ import annotations

from deployment import deploy
from deployment.endpoint import Patience
from deployment.plan import Change, carry_out
from deployment.wanted import Place, Wanted
from tests.aws_account import ACCOUNT, REGION, Recorded

PLACE = Place("valence", "valence-videos", "sagemaker-notices", REGION, ACCOUNT)


class Waiting:
    """A clock that only sleeping moves, and what was said meanwhile."""

    def __init__(self, most_seconds: float = 600.0) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.patience = Patience(self.said.append, self._sleep, lambda: self.now, most_seconds)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def deployed(aws: Recorded, wanted: Wanted) -> list[Change]:
    """Deploy, and tell what had to be changed."""
    waiting = Waiting()
    changes = deploy.deployment(aws, wanted, waiting.patience)
    carry_out(changes, waiting.said.append)
    return changes


def verbs(changes: list[Change]) -> list[tuple[str, str]]:
    """What was done to what kind of thing."""
    return [(change.verb, change.what.split()[0]) for change in changes]
