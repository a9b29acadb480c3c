"""The reference pages say what the code says, and metrics are named as all others are."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics, reference

METRICS = {metric._name: metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)}


def test_the_pages_that_are_made_from_the_code_are_up_to_date() -> None:
    for path, content in reference.pages().items():
        assert path.read_text() == content, f"{path.name} is old: run `python -m runtime.reference`"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_our_prefix_base_units_a_sentence_and_no_id_as_a_label(name: str) -> None:
    metric = METRICS[name]
    assert name.startswith("valence_")
    assert re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|kib|mib|percent)$", name) is None, (
        "seconds, bytes and ratios are the base units"
    )
    assert isinstance(metric, Counter) or not name.endswith("_total"), "only what never falls is a total: a Counter"
    assert metric._documentation.endswith(".")
    assert [label for label in metric._labelnames if label.split("_")[-1] in ("id", "key", "name")] == []
