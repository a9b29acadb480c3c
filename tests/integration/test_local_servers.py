"""What the local servers promise, shown on real ones: two stacks side by side, shared by the tests of this file."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
from botocore.config import Config
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from local.background import running_servers, running_stack
from local.control import Control
from local.data_folder import read_stack_file, reset
from local.errors import DataFolderHeld, LocalStackError, PortTaken, StackNotRunning
from local.servers import SERVERS
from local.stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Stack]]:
    with ExitStack() as running:
        folders = (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"))
        first, second = (running.enter_context(running_stack(Stack(folder, processes=()))) for folder in folders)
        yield first, second


@pytest.fixture(scope="module")
def stack(stacks: tuple[Stack, Stack]) -> Stack:
    return stacks[0]


def client(service: str, environment: dict[str, str]) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the name is a parameter
        service,
        endpoint_url=environment[f"AWS_ENDPOINT_URL_{service.upper()}"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )


class Everything:
    """One fact in each server, written and read back by the clients that our programs use."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]

    def write(self, fact: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.create_topics([NewTopic(fact, 1, 1)])
        admin.close()
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        producer.send(fact, fact.encode()).get(20)
        producer.close()
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as database:
            database.execute("CREATE TABLE IF NOT EXISTS facts (fact text)")
            database.execute("INSERT INTO facts VALUES (%s)", (fact,))
        client("s3", self.environment).put_object(Bucket=self.environment["VALENCE_STORAGE_BUCKET"], Key=fact, Body=fact.encode())
        queues = client("sqs", self.environment)
        queues.send_message(QueueUrl=queues.create_queue(QueueName=fact)["QueueUrl"], MessageBody=fact)

    def read(self, fact: str) -> dict[str, str]:
        consumer = KafkaConsumer(fact, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
        from_kafka = next(iter(consumer)).value.decode()
        consumer.close()
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            row = database.execute("SELECT fact FROM facts WHERE fact = %s", (fact,)).fetchone()
        assert row is not None
        queues = client("sqs", self.environment)
        message = queues.receive_message(QueueUrl=queues.get_queue_url(QueueName=fact)["QueueUrl"], WaitTimeSeconds=5)
        body = client("s3", self.environment).get_object(Bucket=self.environment["VALENCE_STORAGE_BUCKET"], Key=fact)["Body"].read()
        return {"kafka": from_kafka, "postgres": row[0], "queue": message["Messages"][0]["Body"], "storage": body.decode()}


def test_every_server_serves_the_clients_that_our_programs_use(stack: Stack) -> None:
    everything = Everything(stack.environment())
    everything.write("served")
    assert everything.read("served") == dict.fromkeys(SERVERS, "served")


def test_what_was_acknowledged_survives_a_sigkill_and_the_servers_come_back_on_their_ports(stack: Stack) -> None:
    everything = Everything(stack.environment())
    before = {child.name: child for child in Control(stack.data).status()}
    everything.write("kept")
    for name in reversed(SERVERS):  # the queue, written last, has the least time
        Control(stack.data).kill(name)
    after = {child.name: child for child in Control(stack.data).wait()}
    assert all(after[name].pid != before[name].pid for name in SERVERS)
    assert {name: after[name].address for name in SERVERS} == {name: before[name].address for name in SERVERS}
    assert everything.read("kept") == dict.fromkeys(SERVERS, "kept")


def test_two_stacks_at_once_do_not_meet(stacks: tuple[Stack, Stack]) -> None:
    first, second = (stack.environment() for stack in stacks)
    Everything(first).write("mine")
    different = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS", "AWS_SECRET_ACCESS_KEY")
    assert all(first[name] != second[name] for name in different)
    consumer = KafkaConsumer(bootstrap_servers=second["KAFKA_BOOTSTRAP_SERVERS"])
    assert "mine" not in consumer.topics()
    consumer.close()
    objects = client("s3", second).list_objects_v2(Bucket=second["VALENCE_STORAGE_BUCKET"])
    assert objects["KeyCount"] == 0


def test_storage_refuses_whoever_lacks_this_stacks_key(stacks: tuple[Stack, Stack]) -> None:
    first, second = (stack.environment() for stack in stacks)
    storage = client("s3", {**first, "AWS_SECRET_ACCESS_KEY": second["AWS_SECRET_ACCESS_KEY"]})
    with pytest.raises(storage.exceptions.ClientError, match="SignatureDoesNotMatch"):
        storage.list_objects_v2(Bucket=first["VALENCE_STORAGE_BUCKET"])


def test_the_database_refuses_whoever_lacks_this_stacks_password(stack: Stack) -> None:
    url = stack.environment()["DATABASE_URL"]
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(password, "guess"))


def test_servers_listen_on_loopback_only(stack: Stack) -> None:
    pids = {child.pid for child in Control(stack.data).status()}
    listening = {c.laddr.ip for c in psutil.net_connections("inet") if c.laddr and c.pid in pids and c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert listening


def test_the_stack_file_is_for_its_owner_alone_and_tells_the_addresses(stack: Stack) -> None:
    file = stack.data / "stack.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["environment"] == stack.environment()


def test_a_restart_by_name_returns_when_the_server_serves_again(stack: Stack) -> None:
    before = {child.name: child.pid for child in Control(stack.data).status()}
    after = {child.name: child for child in Control(stack.data).restart("postgres")}
    assert after["postgres"].state == "ready"
    assert after["postgres"].pid != before["postgres"]
    assert after["kafka"].pid == before["kafka"]


def test_an_unknown_name_or_signal_is_refused_with_what_there_is(stack: Stack) -> None:
    with pytest.raises(LocalStackError, match=r"nothing in this stack is called 'redis'; there are .*kafka"):
        Control(stack.data).kill("redis")
    with pytest.raises(LocalStackError, match=r"'SIGWRONG' is no signal"):
        Control(stack.data).kill("kafka", "SIGWRONG")


def test_a_stranger_without_the_token_is_not_obeyed(stack: Stack, tmp_path: Path) -> None:
    known = read_stack_file(stack.data)
    (tmp_path / "stack.json").write_text(json.dumps({"ports": known["ports"], "secrets": {"control": "guess"}}))
    with pytest.raises(LocalStackError, match="the token is not this stack's"):
        Control(tmp_path).kill("kafka")


def test_a_second_stack_on_the_same_data_is_refused_and_so_is_emptying_it(stack: Stack) -> None:
    held_by_us = rf"is held by the stack of process {os.getpid()}: stop that one"
    with pytest.raises(DataFolderHeld, match=held_by_us), running_servers(stack.data, ["postgres"]):
        pass
    with pytest.raises(DataFolderHeld, match=held_by_us):
        reset(stack.data)
    assert len(Control(stack.data).wait()) == len(SERVERS)


def test_a_port_asked_for_by_number_that_is_taken_is_refused(stack: Stack, tmp_path: Path) -> None:
    taken = read_stack_file(stack.data)["ports"]["kafka"]
    stack = Stack(tmp_path, processes=(), servers=["postgres"], ports={"postgres": taken})
    with pytest.raises(PortTaken, match=f"port {taken}, asked for postgres, is in use"), running_stack(stack):
        pass


def test_data_and_addresses_survive_a_stop_until_the_folder_is_reset(tmp_path: Path) -> None:
    with running_servers(tmp_path) as first:
        Everything(first).write("lasting")
    with pytest.raises(StackNotRunning, match="start one with `valence local up`"):
        Control(tmp_path).status()
    with running_servers(tmp_path) as second:
        assert second == first
        assert Everything(second).read("lasting") == dict.fromkeys(SERVERS, "lasting")
    reset(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["stack.lock"]


UP = """
import asyncio, sys
from pathlib import Path
from local.stack import Stack
stack = Stack(Path(sys.argv[1]), processes=(), report=lambda line: print(line, flush=True))
asyncio.run(stack.run_until_stopped())
"""


def start_stack(folder: Path, until: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A stack in a process of its own, and all its children at the time when it reports a line that begins so."""
    stack = subprocess.Popen([sys.executable, "-c", UP, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert stack.stdout is not None
    while not (line := stack.stdout.readline()).startswith(until):
        assert line, "the stack ended before it came so far"
    return stack, psutil.Process(stack.pid).children(recursive=True)


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_nothing_is_left_of_a_stack_however_it_ends(tmp_path: Path, ending: str) -> None:
    stack, left = start_stack(tmp_path, "the stack is up")
    assert {"postgres", "java", "weed"} <= {process.name() for process in left}
    stack.send_signal(signal.Signals[ending])
    stack.communicate(timeout=60)
    _, alive = psutil.wait_procs(left, timeout=10)
    assert alive == []
    if ending != "SIGKILL":
        assert stack.returncode == 0


def test_a_stack_that_is_stopped_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    stack, left = start_stack(tmp_path, "postgres is ready")
    stack.terminate()
    said, _ = stack.communicate(timeout=60)
    assert stack.returncode == 0, said
    _, alive = psutil.wait_procs(left, timeout=10)
    assert alive == []
    assert str(tmp_path) not in " ".join(
        argument for process in psutil.process_iter(["cmdline"]) for argument in process.info["cmdline"] or []
    )
