"""The container's process over real HTTP: start, work from S3 and from bodies, SIGTERM, SIGKILL."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
import msgspec
import numpy as np
import pytest

from samples.script import DIALOGUE, ERRAND, read_script
from samples.sounds import spoken
from schemas.analysis import Analysis
from schemas.jobs import AnalysisOptions, InferenceJob
from tests.media_samples import clip, raw_sound
from tests.sagemaker_standin import free_port

_ROOT = Path(__file__).resolve().parents[2]
_VIDEO = {"content-type": "video/mp4"}
_ETAG = "0123456789abcdef"


class Bucket(BaseHTTPRequestHandler):
    """One object as S3 serves it: ranges, If-Match, 404 for everything else. `away` makes it answer 503."""

    protocol_version = "HTTP/1.1"
    content = ERRAND.read_bytes()
    etag = _ETAG
    away = False
    ranges: list[str]

    def do_GET(self) -> None:
        if type(self).away:
            self._reply(503, b"<Error><Code>SlowDown</Code></Error>")
        elif self.path != "/films/errand.mp4":
            self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif self.headers["If-Match"] != f'"{type(self).etag}"':
            self._reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            self._reply(206, self.content[first : last + 1])

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{type(self).etag}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[type[Bucket], str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Bucket, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} seconds in vain"
        threading.Event().wait(0.05)


def _stat(pid: int) -> list[str]:
    """The fields of a process from its state on; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _children(parent: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) if fields else 0


def _lives(pid: int) -> bool:
    return bool(fields := _stat(pid)) and fields[0] != "Z"


def _ping(client: httpx.Client) -> int:
    try:
        return client.get("/ping").status_code
    except httpx.ConnectError:
        return 0


@contextmanager
def _container(
    s3: str, drain_seconds: int = 100, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    port = free_port()
    environment = {
        **os.environ,
        "VALENCE_MODEL_PROFILE": "bundled",
        "VALENCE_MODEL_PORT": str(port),
        "VALENCE_MODEL_DRAIN_SECONDS": str(drain_seconds),
        "AWS_ENDPOINT_URL_S3": s3,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        **settings,
    }
    process = subprocess.Popen([sys.executable, "-m", "model", "serve"], cwd=_ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            _until(lambda: process.poll() is not None or _ping(client) == 200, 240)  # torch and transformers take their time to import
            assert process.poll() is None, process.communicate()[1]
            yield process, client
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def container(bucket: tuple[type[Bucket], str]) -> Iterator[httpx.Client]:
    with _container(bucket[1]) as (_, client):
        yield client


def _job(**changes: Any) -> bytes:
    job = InferenceJob(
        upload_id=UUID("01890000-0000-7000-8000-000000000001"),
        attempt=1,
        bucket="films",
        key="errand.mp4",
        etag=_ETAG,
        bytes=len(Bucket.content),
        options=AnalysisOptions(captions=True),
    )
    return msgspec.json.encode(msgspec.structs.replace(job, **changes))


def _invoke(client: httpx.Client, job: bytes) -> httpx.Response:
    return client.post("/invocations", content=job, headers={"content-type": "application/json"})


def test_a_job_names_an_object_that_is_read_by_ranges(container: httpx.Client) -> None:
    answer = _invoke(container, _job())

    assert answer.status_code == 200
    analysis = msgspec.json.decode(answer.content, type=Analysis)
    assert [utterance.text for utterance in analysis.utterances] == [line.text for line in read_script(ERRAND).lines]


def test_a_video_body_is_listened_to(container: httpx.Client) -> None:
    answer = container.post("/invocations", content=ERRAND.read_bytes(), headers=_VIDEO)

    analysis = msgspec.json.decode(answer.content, type=Analysis)
    assert analysis.words_from == "pocketsphinx"
    assert len(analysis.utterances) == len(read_script(ERRAND).lines)


def test_an_object_replaced_after_validation_is_a_typed_failure(container: httpx.Client) -> None:
    answer = _invoke(container, _job(etag="another"))

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (409, "object_replaced", False)


def test_a_missing_object_is_the_jobs_fault(container: httpx.Client) -> None:
    answer = _invoke(container, _job(key="nothing.mp4"))

    assert (answer.status_code, answer.json()["code"]) == (404, "object_missing")


def test_s3_that_is_away_is_ours_to_retry(container: httpx.Client, bucket: tuple[type[Bucket], str]) -> None:
    bucket[0].away = True
    try:
        answer = _invoke(container, _job())
    finally:
        bucket[0].away = False

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "storage_unavailable", True)


def test_a_body_that_is_no_video_is_refused_with_the_medias_code(container: httpx.Client) -> None:
    answer = container.post("/invocations", content=b"this is no video" * 100, headers=_VIDEO)

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (422, "not_media", False)


def test_a_client_that_leaves_while_its_video_is_analysed_costs_nobody_else_anything(container: httpx.Client) -> None:
    body = ERRAND.read_bytes()
    with socket.create_connection((container.base_url.host, container.base_url.port or 80)) as impatient:
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: {len(body)}\r\n\r\n"
        impatient.sendall(head.encode() + body)
    with socket.create_connection((container.base_url.host, container.base_url.port or 80)) as halfway:
        halfway.sendall(head.encode() + body[:1000])

    said = raw_sound(spoken(ERRAND)[:24_000])
    answers = [container.post("/invocations", content=said, headers={"content-type": "audio/wav"}) for _ in range(3)]  # more than both held

    assert [(answer.status_code, answer.json().get("words_from")) for answer in answers] == [(200, "pocketsphinx")] * 3
    assert all(answer.json()["utterances"] for answer in answers)


def test_a_video_that_needs_more_memory_than_there_is_fails_alone_and_leaves_it_to_the_next(
    bucket: tuple[type[Bucket], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vast = clip(video=None, seconds=16.0, captions=tuple((float(at), at + 0.9, b"word " * 90) for at in range(16)))
    with _container(bucket[1], settings={"VALENCE_MODEL_CONCURRENT_VIDEOS": "1"}) as (process, client):
        assert _invoke(client, _job()).status_code == 200  # it has what a small video needs
        held = 1024 * int(Path(f"/proc/{process.pid}/status").read_text().partition("VmData:")[2].split()[0])
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (held + 12 * 1024**2, resource.RLIM_INFINITY))
        with monkeypatch.context() as patch:
            patch.setattr(Bucket, "content", vast)
            failed = _invoke(client, _job(bytes=len(vast)))
        after = [_invoke(client, _job()).status_code for _ in range(3)]

        assert (failed.status_code, failed.json().get("code"), failed.json().get("retryable")) == (500, "out_of_memory", True)
        assert (_ping(client), after) == (200, [200] * 3)


def test_sigterm_lets_the_video_in_work_end_and_leaves_no_process(bucket: tuple[type[Bucket], str]) -> None:
    with _container(bucket[1]) as (process, client), ThreadPoolExecutor(1) as threads:
        family = _children(process.pid)
        before = sum(map(_cpu_ticks, family))
        answer = threads.submit(client.post, "/invocations", content=ERRAND.read_bytes(), headers=_VIDEO)
        _until(lambda: sum(map(_cpu_ticks, family)) > before + 40)  # the recogniser listens
        assert not answer.done()
        process.send_signal(signal.SIGTERM)

        assert answer.result().status_code == 200
        assert process.wait(60) == 0
        _until(lambda: not any(map(_lives, family)))


def test_a_video_that_does_not_end_in_time_is_told_so_and_does_not_hold_up_the_end(bucket: tuple[type[Bucket], str]) -> None:
    with _container(bucket[1], drain_seconds=1) as (process, client), ThreadPoolExecutor(1) as threads:
        family = _children(process.pid)
        before = sum(map(_cpu_ticks, family))
        hour = raw_sound(np.tile(spoken(DIALOGUE), 50))
        answer = threads.submit(client.post, "/invocations", content=hour, headers={"content-type": "audio/wav"})
        _until(lambda: sum(map(_cpu_ticks, family)) > before + 40)
        process.send_signal(signal.SIGTERM)

        assert (answer.result().status_code, answer.result().json()["code"]) == (503, "shutting_down")
        assert process.wait(60) == 0
        _until(lambda: not any(map(_lives, family)))


def test_sigkill_leaves_no_process(bucket: tuple[type[Bucket], str]) -> None:
    with _container(bucket[1]) as (process, _):
        family = _children(process.pid)
        assert len(family) >= 4  # two that open media, two that listen
        process.kill()
        process.wait()
        _until(lambda: not any(map(_lives, family)))


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({}, 2, "VALENCE_MODEL_PROFILE is not set"),
        ({"VALENCE_MODEL_PROFILE": "hub", "VALENCE_MODEL_FOLDER": "/nonexistent"}, 1, "weights_missing"),
        ({"VALENCE_MODEL_PROFILE": "bundled", "VALENCE_MODEL_FOLDER": "/nonexistent"}, 1, "weights_unreadable"),
    ],
)
def test_a_container_that_cannot_do_its_work_says_so_and_ends(settings: dict[str, str], status: int, said: str) -> None:
    environment = {**os.environ, "VALENCE_MODEL_PORT": str(free_port()), **settings}

    ended = subprocess.run([sys.executable, "-m", "model", "serve"], cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.returncode == status
    assert said in ended.stderr
