"""The stand-in as its own process, `python -m local.sagemaker`, between real S3 and SQS: killed, stopped, misconfigured."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import msgspec
import pytest

from runtime.queue import SqsQueue
from runtime.storage import S3Storage, locate
from schemas.analysis import Analysis
from tests.sagemaker_standin import boto3_client

ROOT = Path(__file__).parents[2]


class Process:
    """A stand-in with a queue, a port and a data folder of its own, that can be killed and started again."""

    def __init__(self, environment: dict[str, str], folder: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            **environment,
            "VALENCE_SAGEMAKER_PORT": self.port,
            "VALENCE_SAGEMAKER_DATA_DIR": str(folder / "sagemaker"),
            "VALENCE_NOTICES_QUEUE_NAME": folder.name,
            **settings,
        }
        self.name = folder.name
        boto3.client("sqs").create_queue(QueueName=self.name)
        self.queue = SqsQueue(self.name)
        self.child: subprocess.Popen[bytes]

    def start(self, **settings: str) -> None:
        self.child = subprocess.Popen([sys.executable, "-m", "local.sagemaker"], env={**self.environment, **settings}, cwd=ROOT)
        transport = httpx.HTTPTransport(retries=10)  # with a backoff of its own, while nothing listens yet
        with httpx.Client(base_url=self.url, transport=transport) as client:
            assert client.get("/healthz").status_code == 200

    def stop(self, number: int) -> int:
        self.child.send_signal(number)
        return self.child.wait(20)

    def invoke(self, inference_id: str) -> Any:
        client = boto3_client(self.url)
        return client.invoke_endpoint_async(
            EndpointName="valence", InferenceId=inference_id, InputLocation=f"s3://valence/jobs/{self.name}.json"
        )

    async def notices(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            messages = await self.queue.receive(20)
            assert messages, f"{len(found)} of {count} notices came"
            found += [json.loads(json.loads(message.body)["Message"]) for message in messages]
            await self.queue.delete(messages)
        return found


@pytest.fixture
def standin(servers: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    process = Process(servers, tmp_path, VALENCE_SAGEMAKER_ANSWER="instant")
    yield process
    process.stop(signal.SIGKILL)


async def test_what_was_accepted_before_a_sigkill_is_answered_after_the_restart(standin: Process) -> None:
    standin.start(VALENCE_SAGEMAKER_DELAY_SECONDS="3600")  # so that nothing is answered before the kill
    accepted = [standin.invoke(f"job.{number}") for number in range(5)]
    assert standin.stop(signal.SIGKILL) == -signal.SIGKILL
    assert await standin.queue.receive(1) == []
    standin.start()
    notices = await standin.notices(5)
    assert sorted(notice["inferenceId"] for notice in notices) == [f"job.{number}" for number in range(5)]
    for answer in accepted:
        body = await S3Storage().get(*locate(answer["OutputLocation"]), 100_000)
        assert msgspec.json.decode(body, type=Analysis).utterances[0].text == f"Answer to {answer['InferenceId']}"
    async with httpx.AsyncClient(base_url=standin.url) as client:
        assert (await client.get("/invocations")).json() == {f"job.{number}": 1 for number in range(5)}


async def test_sigterm_ends_it_cleanly_though_work_is_in_hand_and_the_work_is_not_lost(standin: Process) -> None:
    standin.start(VALENCE_SAGEMAKER_DELAY_SECONDS="3600")
    standin.invoke("job.1")
    assert standin.stop(signal.SIGTERM) == 0
    standin.start()
    assert [notice["inferenceId"] for notice in await standin.notices(1)] == ["job.1"]


async def test_the_containers_answer_lies_in_s3_verbatim_once_the_container_is_there(standin: Process) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    standin.start(VALENCE_SAGEMAKER_ANSWER="model", VALENCE_MODEL_URL=f"http://127.0.0.1:{port}")
    await S3Storage().put("valence", f"jobs/{standin.name}.json", b'{"job": 1}', "application/json")
    accepted = standin.invoke("job.1")
    async with httpx.AsyncClient(base_url=standin.url) as client:
        while "waiting for model" not in (await client.get("/readyz")).json()["obstacles"]:
            pass

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST /invocations ")
        body = b"felt: " + await reader.readexactly(10)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/felt\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", port):
        (notice,) = await standin.notices(1)
    assert notice["responseParameters"] == {"contentType": "text/felt", "outputLocation": accepted["OutputLocation"]}
    assert await S3Storage().get(*locate(accepted["OutputLocation"]), 100) == b'felt: {"job": 1}'


@pytest.mark.parametrize(
    ("variable", "text", "named"),
    [
        ("VALENCE_SAGEMAKER_DATA_DIR", "", "VALENCE_SAGEMAKER_DATA_DIR must be set"),
        ("VALENCE_SAGEMAKER_ANSWER", "never", "VALENCE_SAGEMAKER_ANSWER is 'never'"),
        ("VALENCE_SAGEMAKER_FAULTS", "[{}]", "VALENCE_SAGEMAKER_FAULTS is '[{}]'"),
    ],
)
def test_a_wrong_setting_is_named_and_ends_it_with_code_2(tmp_path: Path, variable: str, text: str, named: str) -> None:
    environment = {**os.environ, "VALENCE_SAGEMAKER_DATA_DIR": str(tmp_path), variable: text}
    done = subprocess.run([sys.executable, "-m", "local.sagemaker"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert named in done.stderr
