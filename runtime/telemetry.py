"""Logs as JSON lines and traces that follow one upload across processes and topics.

Every log line within `following(...)` carries the upload id and the trace id. Spans are made and exported when the standard variable
`OTEL_EXPORTER_OTLP_ENDPOINT` is set; trace ids are carried along either way.
"""

from __future__ import annotations

import logging
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_upload_id: ContextVar[UUID | None] = ContextVar("upload_id", default=None)
_tracer = trace.get_tracer("valence")
_ids = random.SystemRandom()
#: An event's envelope carries this and nothing else, whatever `OTEL_PROPAGATORS` names.
_propagator = TraceContextTextMapPropagator()

#: What kafka-python says, several times over and as an error, whenever a connection ends or a thread was late on a busy machine. A broker
#: that stays away is still told, by kafka.cluster and by whoever waits for it; all else that these loggers say is passed on.
_KAFKA_CHATTER = {
    "kafka.net.transport": re.compile(r"socket disconnected$|Abort \(|Error (receiving network|sending request) data"),
    "kafka.net.connection": re.compile(r"Connection lost: "),
    "kafka.net.manager": re.compile(r"^Connection failed: "),
    "kafka.net.selector": re.compile(r"^Task .* ran for .* threshold\)", re.DOTALL),
    "kafka.coordinator": re.compile(r"^Error sending \w+ to node |^Marking the coordinator dead "),
}


class _Carrier(trace.NoOpTracer):
    """Makes no spans, which nobody would look at: it hands the trace on that it is given, and begins one where there is none."""

    def start_span(self, name: str, context: Context | None = None, *args: Any, **options: Any) -> trace.Span:
        given = trace.get_current_span(context).get_span_context()
        begun = trace.SpanContext(_ids.getrandbits(128), _ids.getrandbits(64), is_remote=False, trace_flags=trace.TraceFlags(1))
        return trace.NonRecordingSpan(given if given.is_valid else begun)


class _Carriers(trace.TracerProvider):
    def get_tracer(self, *args: Any, **options: Any) -> trace.Tracer:
        return _Carrier()


class _Context(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if (upload_id := _upload_id.get()) is not None:
            record.upload_id = str(upload_id)
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = format(context.trace_id, "032x")
        return True


def _is_news(record: logging.LogRecord) -> bool:
    chatter = _KAFKA_CHATTER.get(record.name)
    return chatter is None or chatter.search(record.getMessage()) is None


class _Line(JsonFormatter):
    """A line of a log; its time is of no zone but UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def configure(process: str) -> None:
    """Set up logs to standard error and traces for this process; `process` is its name, like `stream-processors.validate`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_news)
    handler.addFilter(_Context())
    handler.setFormatter(
        _Line(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"process": process},
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, of which the message says the same
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("kafka", "aiokafka", "botocore", "urllib3", "httpx", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    trace.set_tracer_provider(_exporting(process) if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else _Carriers())


def _exporting(process: str) -> trace.TracerProvider:
    # Imported where it is needed: a killed worker's videos wait for its start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"valence.{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


@contextmanager
def following(upload_id: UUID, activity: str, traceparent: str | None = None) -> Iterator[None]:
    """A span named `activity` for the work on one upload, as a child of `traceparent` where there is one."""
    parent = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    token = _upload_id.set(upload_id)
    try:
        with _tracer.start_as_current_span(activity, context=parent, attributes={"valence.upload_id": str(upload_id)}):
            yield
    finally:
        _upload_id.reset(token)


def traceparent() -> str | None:
    """The W3C `traceparent` of the span that is open now, to be sent along."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def flush() -> None:
    """Export the spans that wait, before the process leaves."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, _Carriers):
        provider.force_flush(timeout_millis=2_000)  # type: ignore[attr-defined]  # the SDK's, which `_exporting` has made
