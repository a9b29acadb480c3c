"""What the tests of deploying share: a small archive, an endpoint that is wanted, and an account of moto's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployment import package
from deployment.wanted import Wanted
from tests.aws_account import ACCOUNT, REGION, Recorded, account
from tests.deployments import PLACE


@pytest.fixture(scope="session")
def small_package(tmp_path_factory: pytest.TempPathFactory) -> package.Package:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "weights.txt").write_text("few")
    return package.build(folder / "model.tar.gz", folder=folder)


@pytest.fixture
def wanted(small_package: package.Package) -> Wanted:
    return Wanted(
        place=PLACE,
        package=small_package,
        image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/valence-model:1",
        ready_made=False,
        role=f"arn:aws:iam::{ACCOUNT}:role/valence-endpoint",
        instance_type="ml.c5.2xlarge",
        most_instances=3,
        concurrent_videos=2,
    )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """An account with the bucket and the queue that `valence storage create` makes."""
    with account(monkeypatch):
        made = Recorded()
        made.call("s3", "create_bucket", Bucket=PLACE.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.call("sqs", "create_queue", QueueName=PLACE.queue)
        made.calls.clear()
        yield made
