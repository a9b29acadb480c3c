"""How much memory a video takes by its length: 2 and 20 minutes and two hours, mostly silent, read from S3 by ranges.

One container analyses them one after another, the longest last. The figure is the most resident memory that each of its processes has ever
had, added up, so no moment is missed and what they share counts more than once.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from benchmarks.container import Container, container
from benchmarks.long_videos import write_long
from local.background import running_servers
from runtime import aws
from schemas.analysis import Analysis
from schemas.jobs import InferenceJob

MIB = 1024**2
#: A little less than two hours, since more than that is refused; the dialogue is heard every fifteenth minute.
MINUTES = (2, 20, 118)
_HEARD_EVERY = 20
_BUCKET = "videos"
TARGET_MIB, TARGET_ADDED_MIB = 2048.0, 64.0


async def measure() -> dict[str, Any]:
    """Peak memory after each video; passed if the longest stays under 2 GiB and adds little to the shortest."""
    with (
        tempfile.TemporaryDirectory(prefix="valence-bench-") as folder,
        running_servers(Path(folder), ("storage",), lambda line: None) as s3,
    ):
        os.environ.update(s3)  # for boto3, here and in the container
        aws.client("s3").create_bucket(Bucket=_BUCKET)
        jobs = {minutes: _put(Path(folder), minutes) for minutes in MINUTES}
        async with container({"VALENCE_MODEL_PROFILE": "bundled"}) as serving:
            videos = {f"{minutes} minutes": await _analysed(serving, job) for minutes, job in jobs.items()}
    peaks = [video["peak_mib"] for video in videos.values()]
    return {
        **videos,
        "added_by_the_longest_mib": round(peaks[-1] - peaks[0], 1),
        "target_mib": TARGET_MIB,
        "target_added_mib": TARGET_ADDED_MIB,
        "passed": peaks[-1] < TARGET_MIB and peaks[-1] - peaks[0] < TARGET_ADDED_MIB,
    }


def _put(folder: Path, minutes: int) -> InferenceJob:
    file = folder / f"{minutes}.mp4"
    write_long(file, 60 * minutes, heard_every=_HEARD_EVERY)
    with file.open("rb") as body:
        etag = aws.client("s3").put_object(Bucket=_BUCKET, Key=file.name, Body=body)["ETag"].strip('"')
    return InferenceJob(upload_id=uuid4(), attempt=1, bucket=_BUCKET, key=file.name, etag=etag, bytes=file.stat().st_size)


async def _analysed(serving: Container, job: InferenceJob) -> dict[str, Any]:
    answer = await serving.client.post("/invocations", content=msgspec.json.encode(job), headers={"content-type": "application/json"})
    found = msgspec.json.decode(answer.raise_for_status().content, type=Analysis)
    return {
        "peak_mib": round(serving.peak_bytes / MIB, 1),
        "file_mib": round(job.bytes / MIB, 1),
        "video_seconds": found.media_seconds,
        "seconds": found.compute_seconds,
        "utterances": len(found.utterances),
    }
