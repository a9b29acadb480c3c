"""Reading the job's object from S3: only as long as it is the one that was validated, and errors by whose fault they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from media.ranges import FileRanges
from model.errors import ModelError, ObjectMissing, ObjectReplaced, StorageUnavailable
from model.source import SIDECAR_BYTES, S3Object
from schemas.jobs import InferenceJob

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_JOB = InferenceJob(
    upload_id=UUID("01890000-0000-7000-8000-000000000001"), attempt=1, bucket="films", key="a/talk.mp4", etag="abc", bytes=100
)
_RANGE = {"Bucket": "films", "Key": "a/talk.mp4", "IfMatch": '"abc"', "Range": "bytes=10-14"}


@pytest.fixture
def client() -> S3Client:
    return boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        endpoint_url="http://127.0.0.1:1",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def s3(client: S3Client) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _body(data: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(data), len(data))


def test_a_range_is_asked_for_with_the_etag_that_was_validated(client: S3Client, s3: Stubber) -> None:
    s3.add_response("get_object", {"Body": _body(b"bytes"), "ETag": '"abc"'}, _RANGE)

    assert S3Object(client, _JOB).read_range(10, 5) == b"bytes"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("PreconditionFailed", 412, ObjectReplaced),
        ("InvalidRange", 416, ObjectReplaced),
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchBucket", 404, ObjectMissing),
        ("AccessDenied", 403, StorageUnavailable),
        ("SlowDown", 503, StorageUnavailable),
        ("InternalError", 500, StorageUnavailable),
    ],
)
def test_what_s3_refuses_is_told_by_whose_fault_it_is(
    client: S3Client, s3: Stubber, code: str, status: int, expected: type[ModelError]
) -> None:
    s3.add_client_error("get_object", code, http_status_code=status)

    with pytest.raises(expected, match=r"s3://films/a/talk\.mp4") as raised:
        S3Object(client, _JOB).read_range(10, 5)
    assert raised.value.retryable is (expected is StorageUnavailable)
    assert (raised.value.status >= 500) is (expected is StorageUnavailable)


def test_a_server_that_ignores_if_match_is_not_believed(client: S3Client, s3: Stubber) -> None:
    s3.add_response("get_object", {"Body": _body(b"other"), "ETag": '"xyz"'}, _RANGE)

    with pytest.raises(ObjectReplaced):
        S3Object(client, _JOB).read_range(10, 5)


def test_s3_that_cannot_be_reached_is_waited_for(client: S3Client) -> None:
    with pytest.raises(StorageUnavailable, match="try again"):
        S3Object(client, _JOB).read_range(10, 5)


def _beside(extension: str) -> dict[str, str]:
    return {"Bucket": "films", "Key": f"a/talk.{extension}", "Range": f"bytes=0-{SIDECAR_BYTES - 1}"}


def test_captions_beside_the_video_are_found_under_either_name(client: S3Client, s3: Stubber) -> None:
    s3.add_client_error("get_object", "NoSuchKey", http_status_code=404, expected_params=_beside("srt"))
    s3.add_response("get_object", {"Body": _body(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n")}, _beside("vtt"))

    assert [cue.text for cue in S3Object(client, _JOB).sidecar()] == ["Hello"]


def test_a_role_that_may_not_list_sees_no_captions_beside_the_video(client: S3Client, s3: Stubber) -> None:
    s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
    s3.add_client_error("get_object", "AccessDenied", http_status_code=403)

    assert S3Object(client, _JOB).sidecar() == ()


def test_captions_are_not_given_up_while_s3_is_away(client: S3Client, s3: Stubber) -> None:
    s3.add_client_error("get_object", "SlowDown", http_status_code=503)

    with pytest.raises(StorageUnavailable):
        S3Object(client, _JOB).sidecar()


def test_a_file_is_read_by_ranges_without_a_position(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    with (tmp_path / "f").open("rb") as file:
        source = FileRanges(file)

        assert source.size == 10
        assert (source.read_range(4, 3), source.read_range(0, 2)) == (b"456", b"01")
