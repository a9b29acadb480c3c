"""Logs of a process: what is passed on, and what is chatter."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

_PROCESS = """
import json, logging, sys
from runtime import telemetry
telemetry.configure("test")
for logger, message in json.load(sys.stdin):
    logging.getLogger(logger).error(message)
"""

#: As kafka-python 3.0.12 words it while its broker is restarted, and when its thread has no processor for a while.
AT_EVERY_DISCONNECT = [
    ("kafka.net.transport", "<transport>: socket disconnected"),
    ("kafka.net.transport", "<transport>: Abort (KafkaConnectionError: socket disconnected)"),
    ("kafka.net.transport", "<transport>: Error receiving network data closing socket"),
    ("kafka.net.connection", "<connection>: Connection lost: KafkaConnectionError: socket disconnected"),
    ("kafka.net.manager", "Connection failed: KafkaConnectionError: refused"),
    ("kafka.net.selector", "Task <Task\n1> ran for 0.512s (>0.100s threshold). It is blocking the event loop"),
    ("kafka.coordinator", "Error sending HeartbeatRequest to node 1 [Cancelled]"),
    ("kafka.coordinator", "Marking the coordinator dead (node 1) for group g: Cancelled."),
]
WORTH_KNOWING = [
    ("kafka.net.selector", "IO loop crashed (client_id=valence)"),
    ("kafka.net.selector", "Unhandled exception in task <Task>:"),
    ("kafka.net.connection", "<connection>: SaslHandshake failed: UnsupportedSaslMechanismError"),
    ("kafka.net.connection", "<connection>: Request timed out after 10000 ms. Closing connection."),
    ("kafka.net.manager", "Bootstrap connection to bootstrap-0 failed: refused (backoff 0.10 secs)"),
    ("kafka.cluster", "No node available for metadata refresh - backoff/retry"),
    ("kafka.coordinator", "SyncGroup for group g failed due to fenced id error: g-0"),
    ("kafka.coordinator.heartbeat", "Heartbeat failed for group g: generation id is not  current."),
    ("runtime.health", "waiting: kafka is unavailable: Connection lost: socket disconnected"),
    ("runtime.health", "Connection failed: ours"),
]


def logged(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a process of ours writes to its log when this is said in it."""
    ended = subprocess.run([sys.executable, "-c", _PROCESS], input=json.dumps(said), capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    return [(line["logger"], line["message"]) for line in lines]


def test_what_kafka_says_at_every_disconnect_is_not_logged() -> None:
    assert logged(AT_EVERY_DISCONNECT) == []


def test_everything_else_that_goes_wrong_is_logged() -> None:
    assert logged(WORTH_KNOWING) == WORTH_KNOWING


_FAUST = """
import logging
from runtime import telemetry
telemetry.configure("test")
from stream_processors import engine
engine.log.info("[^_App]: Starting...")
engine.log.critical("leaving")
"""
_TIMED = "import logging; from runtime import telemetry; telemetry.configure('test'); logging.error('now')"
_TIMED_MODEL = "import logging; from model import __main__ as model; model.log_as_json(); logging.error('now')"


def ended(program: str) -> str:
    """What a process of ours writes to its log that lives on the other side of the earth."""
    zone = {**os.environ, "TZ": "Pacific/Auckland"}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=zone).stderr


@pytest.mark.parametrize("program", [_TIMED, _TIMED_MODEL], ids=["ours", "the model's"])
def test_times_are_in_utc_wherever_a_process_runs(program: str) -> None:
    line = json.loads(ended(program))
    assert line["time"].endswith("Z")
    assert abs(datetime.fromisoformat(line["time"]) - datetime.now(UTC)) < timedelta(minutes=30)


def test_what_faust_calls_its_services_is_not_logged() -> None:
    assert [json.loads(line)["message"] for line in ended(_FAUST).splitlines()] == ["leaving"]


_COLOURED = """
import logging
from runtime import telemetry
telemetry.configure("test")
logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\\x1b[36mStarted\\x1b[0m", "port": 1})
"""


def test_a_line_says_once_what_it_says_and_no_colours_of_a_terminal() -> None:
    line = json.loads(ended(_COLOURED))
    assert (line["message"], line["port"]) == ("Started", 1)
    assert "Started" not in str({**line, "message": None})


_CARRYING = """
import json, os, sys
from uuid import uuid4
from runtime import telemetry
os.environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
telemetry.configure("test")
seen = []
for given in json.load(sys.stdin):
    with telemetry.following(uuid4(), "work", given):
        seen.append(telemetry.traceparent())
        with telemetry.following(uuid4(), "work within"):
            seen.append(telemetry.traceparent())
telemetry.flush()
print(json.dumps([seen, "opentelemetry.sdk" in sys.modules]))
"""
_TRACE = f"00-{0xABC:032x}-{0xDEF:016x}-01"


def test_without_an_exporter_a_trace_is_handed_on_as_it_came_and_begun_where_there_is_none() -> None:
    given = json.dumps([_TRACE, None, None])
    ended = subprocess.run([sys.executable, "-c", _CARRYING], input=given, capture_output=True, text=True, check=True)
    (first, within_first, second, within_second, third, _), sdk_is_there = json.loads(ended.stdout)
    assert first == within_first == _TRACE
    assert second == within_second != third
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", begun) for begun in (second, third))
    assert not sdk_is_there
