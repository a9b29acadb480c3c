"""Where the container reads a video: an object in S3, by ranges and only as long as it is the one that was validated; or a body's file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from media.decoded import Cue
from model.captions import parse_sidecar
from model.errors import ModelError, ObjectMissing, ObjectReplaced, StorageUnavailable
from schemas.jobs import InferenceJob

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

#: A caption file next to the video is read up to this size: two hours of speech have some 200 KB.
SIDECAR_BYTES = 4 * 1024**2

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
#: The range lies past the end: the object has become shorter.
_REPLACED = frozenset({"412", "PreconditionFailed", "416", "InvalidRange"})
#: What S3 answers to a role that may not list, where there is no object.
_FORBIDDEN = frozenset({"403", "AccessDenied"})


def s3_client() -> S3Client:
    """A client by AWS's standard variables; short waits and a few tries, because the pipeline waits better than a container."""
    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path"},
        ),
    )


class S3Object:
    """The object of a job, as `media.ranges.Ranges`: every range is asked for with If-Match.

    Raises ObjectMissing, ObjectReplaced, and StorageUnavailable for whatever is S3's or the role's fault.
    """

    def __init__(self, client: S3Client, job: InferenceJob) -> None:
        self._client = client
        self._job = job

    @property
    def size(self) -> int:
        return self._job.bytes

    def read_range(self, offset: int, length: int) -> bytes:
        job = self._job
        try:
            answer = self._client.get_object(
                Bucket=job.bucket, Key=job.key, IfMatch=f'"{job.etag}"', Range=f"bytes={offset}-{offset + length - 1}"
            )
            data = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise self._understood(error) from error
        self._check_same(answer)
        return data

    def _check_same(self, answer: GetObjectOutputTypeDef) -> None:
        # Some servers ignore If-Match: what they sent is then compared here.
        if answer["ETag"].strip('"') != self._job.etag:
            raise self._replaced()

    def _understood(self, error: ClientError | BotoCoreError) -> ModelError:
        code = _code(error)
        if code in _MISSING:
            return ObjectMissing(f"there is no object s3://{self._job.bucket}/{self._job.key}: upload the video again")
        if code in _REPLACED:
            return self._replaced()
        return StorageUnavailable(f"s3://{self._job.bucket}/{self._job.key} cannot be read at the moment ({error}): try again later")

    def _replaced(self) -> ObjectReplaced:
        return ObjectReplaced(
            f"s3://{self._job.bucket}/{self._job.key} is no longer the object with the ETag {self._job.etag} that was validated: "
            "upload the video again"
        )

    def sidecar(self) -> tuple[Cue, ...]:
        """The cues of the caption file beside the video (its name with .srt or .vtt), none where there is no such file."""
        stem = str(PurePosixPath(self._job.key).with_suffix(""))
        for key in (f"{stem}.srt", f"{stem}.vtt"):
            try:
                answer = self._client.get_object(Bucket=self._job.bucket, Key=key, Range=f"bytes=0-{SIDECAR_BYTES - 1}")
                text = answer["Body"].read()
            except (ClientError, BotoCoreError) as error:
                if _code(error) in _MISSING | _FORBIDDEN | _REPLACED:
                    continue
                raise self._understood(error) from error
            return parse_sidecar(text.decode("utf-8", "replace"))
        return ()


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
