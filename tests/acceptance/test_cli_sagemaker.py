"""`valence sagemaker package` and `serve` as their users run them, and the archive's way behind the stand-in to an analysis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import httpx
import msgspec
import psycopg
import pytest

from runtime.queue import SqsQueue
from runtime.storage import S3Storage, locate
from samples.script import ERRAND, read_script
from schemas.analysis import Analysis
from schemas.jobs import AnalysisOptions, InferenceJob
from tests.command_line import environment, valence
from tests.sagemaker_standin import boto3_client, free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def _answers(url: str, path: str) -> bool:
    try:
        return httpx.get(f"{url}{path}", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    packed = valence(tmp_path, "sagemaker", "package", "--output", str(tmp_path / "model.tar.gz"))
    assert packed.returncode == 0, packed.stderr
    assert "profile bundled" in packed.stdout
    return tmp_path / "model.tar.gz"


@contextmanager
def _running(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *command], env=variables, cwd=folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def container(archive: Path, servers: dict[str, str], tmp_path: Path) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """`valence sagemaker serve` in a folder that has nothing to do with the repository."""
    port = free_port()
    variables = {**environment(tmp_path), **servers, "PYTHONPATH": str(ROOT)}
    with _running(["cli", "sagemaker", "serve", str(archive), "--port", str(port)], tmp_path, variables) as process:
        url = f"http://127.0.0.1:{port}"
        await until(lambda: process.poll() is not None or _answers(url, "/ping"), "the container answers")
        assert process.poll() is None
        yield process, url


@pytest.fixture
async def standin(container: tuple[object, str], servers: dict[str, str], tmp_path: Path) -> AsyncIterator[str]:
    """The stand-in in front of the container, with a queue of its own."""
    port = free_port()
    boto3.client("sqs").create_queue(QueueName=tmp_path.name)
    settings = {
        "VALENCE_SAGEMAKER_PORT": str(port),
        "VALENCE_SAGEMAKER_DATA_DIR": str(tmp_path / "sagemaker"),
        "VALENCE_NOTICES_QUEUE_NAME": tmp_path.name,
        "VALENCE_MODEL_URL": container[1],
    }
    with _running(["local.sagemaker"], ROOT, {**os.environ, **servers, **settings}):
        url = f"http://127.0.0.1:{port}"
        await until(lambda: _answers(url, "/healthz"), "the stand-in answers")
        yield url


async def test_a_packaged_model_answers_an_unmodified_boto3_client_through_the_stand_in(
    container: tuple[subprocess.Popen[bytes], str], standin: str, tmp_path: Path
) -> None:
    storage, upload_id = S3Storage(), uuid4()
    video = ERRAND.read_bytes()
    await storage.put("valence", f"uploads/{upload_id}/source", video, "video/mp4")
    etag = boto3.client("s3").head_object(Bucket="valence", Key=f"uploads/{upload_id}/source")["ETag"].strip('"')
    job = InferenceJob(
        upload_id=upload_id,
        attempt=1,
        bucket="valence",
        key=f"uploads/{upload_id}/source",
        etag=etag,
        bytes=len(video),
        options=AnalysisOptions(captions=True),
    )
    await storage.put("valence", f"jobs/{upload_id}/1.json", msgspec.json.encode(job), "application/json")

    accepted = boto3_client(standin).invoke_endpoint_async(
        EndpointName="valence",
        ContentType="application/json",
        Accept="application/json",
        InferenceId=f"{upload_id}.1",
        InputLocation=f"s3://valence/jobs/{upload_id}/1.json",
        InvocationTimeoutSeconds=3_600,
    )

    (message,) = await SqsQueue(tmp_path.name).receive(20)
    notice = msgspec.json.decode(msgspec.json.decode(message.body)["Message"])
    assert notice["invocationStatus"] == "Completed", notice
    analysis = msgspec.json.decode(await S3Storage().get(*locate(accepted["OutputLocation"]), 1_000_000), type=Analysis)
    assert [utterance.text for utterance in analysis.utterances] == [line.text for line in read_script(ERRAND).lines]
    process = container[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


async def test_costs_come_from_the_seconds_that_analyses_took(account: UUID, servers: dict[str, str], tmp_path: Path) -> None:
    insert = "insert into usage (upload_id, attempt, account_id, media_seconds, compute_seconds) values (%s, 1, %s, 60, 20)"
    async with await psycopg.AsyncConnection.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        await connection.execute(insert, (uuid4(), account))
    table = {"source": "an invoice", "date": "2026-11-22", "region": "eu-west-1", "currency": "EUR", "per_hour": {"ml.c5.2xlarge": 0.36}}
    (tmp_path / "prices.json").write_bytes(msgspec.json.encode(table))
    done = await asyncio.to_thread(valence, tmp_path, "sagemaker", "costs", "--prices", str(tmp_path / "prices.json"), **servers)
    assert done.returncode == 0, done.stderr
    assert "analyses of the last 30 days" in done.stdout
    assert "0.36 EUR an hour" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("package", "--weights", "nowhere"), 1, "nowhere is no folder"),
        (("package", "--weights", "empty"), 1, "empty is empty"),
        (("serve", "text.tar.gz"), 1, "no tar.gz"),
        (("serve", "nothing.tar.gz"), 2, "does not exist"),
        (("serve", "text.tar.gz", "--port", "0"), 2, "port"),
    ],
)
def test_what_cannot_be_packed_or_served_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tar.gz").write_text("this is no archive")
    done = valence(tmp_path, "sagemaker", *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
