"""The table of stages: whoever adds one is told what else must know of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks import breakdown, findings
from local.processes import PROCESSES
from runtime.settings import Settings
from schemas.topics import CONSUMED_TOPICS, Topic
from stream_processors import __main__ as table
from stream_processors.__main__ import STAGES


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, Topic]:
    """Which topic each stage reads; none of them is run, and no child that opens media started."""
    for name in ("MediaPool", "S3Storage", "SageMakerEndpoint"):
        monkeypatch.setattr(table, name, lambda *_: SimpleNamespace(begin=lambda: None, wait_ready=lambda: None))
    settings = Settings(database_url="unused", kafka_bootstrap_servers="unused")
    return {name: make(settings, SimpleNamespace()).topic for name, make in STAGES.items()}  # type: ignore[arg-type]


def test_every_stage_is_a_process_of_the_stack() -> None:
    rows = {process.module[1] for process in PROCESSES if process.stage}
    assert rows == set(STAGES), "give each stage of stream_processors/__main__.py a row in local/processes.py, with stage=True"


def test_the_topic_of_every_stage_has_a_topic_for_its_dead_letters(read: dict[str, Topic]) -> None:
    without = {name: topic.name for name, topic in read.items() if topic not in CONSUMED_TOPICS}
    assert without == {}, "add these topics to CONSUMED_TOPICS in schemas/topics.py: nobody would make the topics of their dead letters"


def test_the_soak_looks_for_what_any_stage_has_left_unread(read: dict[str, Topic]) -> None:
    groups = {name: topics for name, topics in findings._GROUPS.items() if name.startswith("stream-processors.")}
    expected = {f"stream-processors.{name}": (topic.name,) for name, topic in read.items()}
    assert groups == expected, "give each stage's group its line in _GROUPS of benchmarks/findings.py"


def test_the_table_of_where_the_time_goes_says_what_every_stage_does() -> None:
    silent = {name for name in STAGES if f"{name}-0" not in breakdown._WORK}
    assert silent == set(), "give each of these stages its line in _WORK of benchmarks/breakdown.py"
