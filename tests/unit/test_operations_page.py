"""The page for operators names only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCUMENTS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("names", "document"),
    [(r"\bvalence_[a-z_]+", "metrics.md"), (r"\bVALENCE_[A-Z_]+", "settings.md"), (r"\bOTEL_[A-Z_]+", "settings.md")],
)
def test_every_name_on_the_page_is_in_the_reference(names: str, document: str) -> None:
    named = set(re.findall(names, (DOCUMENTS / "operations.md").read_text()))
    assert named
    assert named <= set(re.findall(names, (DOCUMENTS / document).read_text()))
