"""The page for operators names only what there is, and every process that they run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.processes import PROCESSES, OurProcess

DOCUMENTS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("names", "document"),
    [(r"\bvalence_[a-z_]+", "metrics.md"), (r"\bVALENCE_[A-Z_]+", "settings.md"), (r"\bOTEL_[A-Z_]+", "settings.md")],
)
def test_every_name_on_the_page_is_in_the_reference(names: str, document: str) -> None:
    named = set(re.findall(names, (DOCUMENTS / "operations.md").read_text()))
    assert named
    assert named <= set(re.findall(names, (DOCUMENTS / document).read_text()))


#: The stand-in and the container, which SageMaker runs in a cluster.
_ELSEWHERE = ("model", "sagemaker")


@pytest.mark.parametrize("process", [row for row in PROCESSES if row.name not in _ELSEWHERE], ids=lambda row: row.name)
def test_every_process_that_a_cluster_runs_is_in_the_table(process: OurProcess) -> None:
    table = (DOCUMENTS / "operations.md").read_text().partition("## Processes")[2].partition("\n## ")[0]
    assert re.search(rf"`[^`]*\b{process.module[-1]}`", table), "say in docs/operations.md how many may run and who shares the work"
