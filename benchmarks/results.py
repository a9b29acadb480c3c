"""The folder of results: one JSON file a benchmark, with the machine that it ran on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machine import describe

FOLDER = Path(__file__).parent / "results"


def write(name: str, figures: Mapping[str, object]) -> Path:
    """Replace the result of a benchmark; returns its file."""
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps({"benchmark": name, "machine": describe(), "figures": figures}, indent=2) + "\n")
    return file
