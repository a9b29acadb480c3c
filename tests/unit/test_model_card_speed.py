"""What the card says of speed: what the benchmarks measured, where, and of which weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model import text
from model.profiles import BUNDLED_FOLDER
from model.text import TextModel
from model.training.text.speed import speed_and_memory

_MACHINE = {"processor": "Some Processor", "cores": 2, "date": "2026-11-26T20:00:00+00:00"}
_TEXT = {
    "loading_seconds": 0.31,
    "utterances_a_second": 201.5,
    "milliseconds_for_one_alone": 5.1,
    "added_memory_mib": 80.2,
    "files_mib": 23.9,
}
_VIDEOS = {"2 minutes": {"peak_mib": 600.1}, "118 minutes": {"peak_mib": 612.9}, "added_by_the_longest_mib": 12.8}


@pytest.fixture(scope="module")
def model() -> TextModel:
    return text.load(BUNDLED_FOLDER)


def _measured(root: Path, **results: object) -> Path:
    folder = root / "benchmarks" / "results"
    folder.mkdir(parents=True)
    for name, figures in results.items():
        (folder / f"{name.replace('_', '-')}.json").write_text(json.dumps({"machine": _MACHINE, "figures": figures}))
    return root


def test_every_figure_names_the_benchmark_that_measured_it_and_the_machine(tmp_path: Path, model: TextModel) -> None:
    own = {**_TEXT, "sha256": model.ref.sha256}

    said = speed_and_memory(_measured(tmp_path, bundled_text=own, video_speed={"pipeline_seconds": 51.2}, video_memory=_VIDEOS), model)

    for row in (
        "| 201.5 | bundled-text |",
        "| 51.2 s | video-speed |",
        "| 612.9 MiB | video-memory | Some Processor, 2 cores, 2026-11-26 |",
    ):
        assert row in said
    assert "other weights" not in said
    assert "Not measured" not in said


def test_figures_of_other_weights_are_said_to_be_theirs(tmp_path: Path, model: TextModel) -> None:
    said = speed_and_memory(_measured(tmp_path, bundled_text={**_TEXT, "sha256": "f" * 64}), model)

    assert "`bundled-text` was measured with other weights" in said


def test_what_nobody_has_measured_is_said_with_the_command_that_would(tmp_path: Path, model: TextModel) -> None:
    said = speed_and_memory(_measured(tmp_path, video_speed={"pipeline_seconds": 51.2}), model)

    assert "Not measured yet: `python -m benchmarks bundled-text`" in said
    assert "Not measured yet: `python -m benchmarks video-memory`" in said
    assert "benchmarks video-speed" not in said
