"""The reference pages that are made from the code: docs/metrics.md and docs/settings.md. `python -m runtime.reference` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics, settings

DOCS = Path(__file__).parent.parent / "docs"

_MADE = "<!-- Made by `python -m runtime.reference`; a test compares. -->\n\n"


def metrics_page() -> str:
    """Every metric with its kind, its labels and what it counts."""
    found = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    rows = [f"| `{_name(metric)}` | {metric._type} | {_labels(metric)} | {metric._documentation} |" for metric in found]
    head = (
        "# Metrics\n\nEvery process serves them at `/metrics`, beside `/healthz` and `/readyz`. Base units, and never an id as a label.\n\n"
    )
    return _MADE + head + "\n".join(["| name | kind | labels | what it says |", "|---|---|---|---|", *rows]) + "\n"


def _name(metric: MetricWrapperBase) -> str:
    return f"{metric._name}_total" if isinstance(metric, Counter) else metric._name


def _labels(metric: MetricWrapperBase) -> str:
    return ", ".join(f"`{label}`" for label in metric._labelnames) or "none"


def settings_page() -> str:
    """Every variable that a process of the pipeline reads, with its default."""
    return _MADE + "\n".join(_settings_lines()) + "\n"


def _settings_lines() -> Iterator[str]:
    yield "# Settings\n\nRead once from the environment when a process starts; a wrong value ends it with a message and code 2."
    yield (
        "`DATABASE_URL` and `KAFKA_BOOTSTRAP_SERVERS` have no default. boto3 reads `AWS_*` by itself; `AWS_ENDPOINT_URL_S3`,\n"
        "`AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` name servers other than AWS's own. Traces are exported when\n"
        "`OTEL_EXPORTER_OTLP_ENDPOINT` is set. What the model's container reads beside `VALENCE_LIMITS_*`, `VALENCE_MODEL_*`, is in\n"
        "[model-profiles.md](model-profiles.md).\n"
    )
    for name, struct in settings.SECTIONS.items():
        yield f"## {name}\n\n{_prose(struct)}\n"
        yield "| variable | default |\n|---|---|"
        for field in msgspec.structs.fields(struct):
            yield f"| `{settings.variable_of(name, field.name)}` | {_default(field.default)} |"
        yield ""


def _prose(struct: type[msgspec.Struct]) -> str:
    return " ".join((struct.__doc__ or "").split())


def _default(value: Any) -> str:
    return f"`{value}`" if value != "" else "empty"


def pages() -> dict[Path, str]:
    """Every made page with its content."""
    return {DOCS / "metrics.md": metrics_page(), DOCS / "settings.md": settings_page()}


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content)
