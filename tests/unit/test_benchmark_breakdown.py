"""The README's table of where the time goes is that of the last result, and no figure of it was written by hand."""

from __future__ import annotations

import pytest

from benchmarks import breakdown
from local.processes import PROCESSES
from local.servers import SERVERS


def test_the_readme_has_the_table_of_the_last_result() -> None:
    page = breakdown.README.read_text()
    assert page == breakdown.described(page, breakdown.RESULT.read_text()), "run `python -m benchmarks.breakdown`"


def test_every_millisecond_of_a_run_is_in_the_table() -> None:
    spent = {"validate-0": 9.0, "kafka": 3.5, "reconciler": 0.25, "load generator": 0.5}
    figures = {"processor_milliseconds_a_video": spent, "videos": 1_200, "videos_a_second": 41.0, "processors_busy": 1.9}
    lines = breakdown.table(figures).splitlines()
    cells = {line.split("|")[1].strip(" *"): float(line.split("|")[2].strip(" *")) for line in lines[2:] if line.startswith("|")}
    assert cells == pytest.approx({"validate": 9.0, "kafka": 3.5, "all else": 0.75, "sum": 13.25}, abs=0.06)


def test_a_process_that_the_table_names_is_one_of_the_stack() -> None:
    stack = {*SERVERS, *(f"{process.name}-0" if process.stage else process.name for process in PROCESSES)}
    assert set(breakdown._WORK) - stack == set()
