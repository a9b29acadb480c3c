"""What must be there before the first event, made on real servers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from runtime import aws, provisioning
from runtime.settings import Notices, Settings, Storage
from schemas.jobs import job_key, source_key


@pytest.fixture
def fresh(settings: Settings) -> Settings:
    """Settings that name a bucket and a queue that nobody has made yet."""
    name = f"test-{uuid4()}"
    return msgspec.structs.replace(settings, storage=Storage(bucket=name), notices=Notices(queue_name=name))


def rules(settings: Settings) -> dict[str, dict[str, Any]]:
    """The bucket's lifecycle rules, as the server tells them, by their prefix."""
    found = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=settings.storage.bucket)["Rules"]
    return {rule["Filter"]["Prefix"]: rule for rule in found}


def test_making_the_bucket_and_the_queues_again_changes_nothing(fresh: Settings) -> None:
    provisioning.create_storage(fresh)
    first = rules(fresh)
    aws.client("s3").put_object(Bucket=fresh.storage.bucket, Key="uploads/kept", Body=b"kept")
    provisioning.create_storage(fresh)
    assert rules(fresh) == first
    assert aws.client("s3").get_object(Bucket=fresh.storage.bucket, Key="uploads/kept")["Body"].read() == b"kept"


def test_the_parts_of_an_upload_that_was_broken_off_are_forgotten_after_a_week_and_the_upload_itself_never(fresh: Settings) -> None:
    provisioning.create_storage(fresh)
    rule = rules(fresh)["uploads/"]
    assert source_key(uuid4()).startswith("uploads/")
    assert (rule["Status"], rule["AbortIncompleteMultipartUpload"]) == ("Enabled", {"DaysAfterInitiation": 7})
    assert "Expiration" not in rule


def test_jobs_and_answers_expire_after_a_month(fresh: Settings) -> None:
    provisioning.create_storage(fresh)
    found = rules(fresh)
    assert job_key(uuid4(), 1).startswith("jobs/")
    assert [found[prefix]["Expiration"]["Days"] for prefix in ("jobs/", "inference/")] == [30, 30]
