"""A deployment in a test: where it is, what is wanted there, a clock that only sleeping moves, and carrying a plan out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployment import deploy, package
from deployment.endpoint import Patience
from deployment.plan import Change, carry_out
from deployment.wanted import Place, Wanted
from tests.aws_account import ACCOUNT, REGION, Recorded, account

PLACE = Place("valence", "valence-videos", "sagemaker-notices", REGION, ACCOUNT)


def wanting(archive: package.Package) -> Wanted:
    """An endpoint that serves an archive."""
    return Wanted(
        place=PLACE,
        package=archive,
        image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/valence-model:1",
        ready_made=False,
        role=f"arn:aws:iam::{ACCOUNT}:role/valence-endpoint",
        instance_type="ml.c5.2xlarge",
        most_instances=3,
        concurrent_videos=2,
    )


@contextmanager
def empty_account(patch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """An account with the bucket and the queue that `valence storage create` makes, and nothing else."""
    with account(patch):
        made = Recorded()
        made.call("s3", "create_bucket", Bucket=PLACE.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.call("sqs", "create_queue", QueueName=PLACE.queue)
        made.calls.clear()
        yield made


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
