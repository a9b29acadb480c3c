"""A trace follows one upload through every process and topic, and behind the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.background import running_stack
from local.preparation import prepare
from local.stack import Stack
from schemas.status import Status
from tests.trace_collector import Collector, Span, collecting
from tests.waiting import until
from valence import Client

SAMPLE = Path(__file__).parents[2] / "samples" / "dialogue.mp4"
#: Every process that works on an upload, in the order of its way; the relay carries the context without opening it.
WAY = [
    "valence.api",
    "valence.stream-processors.validate",
    "valence.stream-processors.invoke",
    "valence.producers.sagemaker-notices",
    "valence.stream-processors.persist",
    "valence.consumers.status-projector",
]
#: What ends the way.
LAST = "project analysis.persisted.v1"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def client(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a whole stack whose processes export their spans."""
    exporting = {
        "VALENCE_SAGEMAKER_ANSWER": "instant",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with running_stack(Stack(tmp_path_factory.mktemp("stack"), prepare=prepare, settings=exporting)) as stack:
        key = stack.recall("api_key")
        assert key is not None
        with Client(stack.address("api"), key) as opened:
            yield opened


def analysed(client: Client) -> str:
    """The id of an upload that is completed."""
    upload = client.upload_file(SAMPLE)
    assert client.wait(upload.id).status is Status.COMPLETED
    return str(upload.id)


@pytest.fixture(scope="module")
def traces(client: Client, collector: Collector) -> dict[str, list[Span]]:
    """The traces of two uploads, by the uploads' ids."""
    uploads = [analysed(client) for _ in range(2)]
    return {upload_id: asyncio.run(trace_of(collector, upload_id)) for upload_id in uploads}


async def trace_of(collector: Collector, upload_id: str) -> list[Span]:
    """The spans of the trace that began with the upload's content, once every process has told of the upload and no cause is missing."""

    def look() -> list[Span]:
        spans = collector.spans()
        begun = {span.trace for span in spans if (span.name, span.upload_id) == ("api.complete_upload", upload_id)}
        about_it = [span for span in spans if span.upload_id == upload_id]
        told = {span.service for span in about_it} >= set(WAY) and any(span.name == LAST for span in about_it)
        trace = [span for span in spans if span.trace in begun]
        return trace if told and {span.parent for span in trace} <= {"", *(span.id for span in trace)} else []

    return await until(look, "every process has told of the upload", seconds=20)


def test_one_trace_follows_an_upload_from_the_api_to_its_last_status(traces: dict[str, list[Span]]) -> None:
    upload_id, trace = next(iter(traces.items()))
    about_it = [span for span in trace if span.upload_id is not None]
    assert {span.upload_id for span in about_it} == {upload_id}
    assert {span.service for span in about_it} == set(WAY)


def test_every_span_of_a_trace_names_what_caused_it(traces: dict[str, list[Span]]) -> None:
    trace = {span.id: span for span in next(iter(traces.values()))}
    (root,) = [span for span in trace.values() if not span.parent]
    assert (root.service, root.upload_id) == ("valence.api", None)

    def causes(span: Span) -> list[str]:
        return [] if not span.parent else [*causes(trace[span.parent]), span.name]

    (last,) = [span for span in trace.values() if span.name == LAST]
    assert causes(last) == [
        "api.complete_upload",
        "validate upload.received.v1",
        "invoke upload.validated.v1",
        "sagemaker notice",
        "persist inference.completed.v1",
        LAST,
    ]


def test_two_uploads_have_two_traces(traces: dict[str, list[Span]]) -> None:
    first, second = traces.values()
    assert {span.trace for span in first}.isdisjoint({span.trace for span in second})
