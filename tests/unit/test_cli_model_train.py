"""`valence model train` says what is missing before it loads anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.exits import Exit
from cli.main import run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "DATASET or say --synthetic"),
        (["{folder}", "--synthetic"], "one of the two"),
        (["{folder}"], "--output"),
        (["{folder}", "--output", "x"], "--face-weights kinetics"),
        (["{folder}", "--output", "x", "--modalities", "text", "--face-weights", "none"], "not among the modalities"),
        (["{folder}", "--output", "x", "--modalities", "smell"], "'smell'"),
        (["{folder}/missing", "--output", "x"], "does not exist"),
    ],
)
def test_what_is_missing_or_wrong_is_said(arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [argument.format(folder=tmp_path) for argument in arguments]
    assert run(["model", "train", *given]) == Exit.USAGE
    assert says in capsys.readouterr().err


def test_a_folder_that_is_no_data_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "train", str(tmp_path), "--output", str(tmp_path / "x"), "--modalities", "text"]) == Exit.NOT_COMPLETED
    assert "train_sent_emo.csv" in capsys.readouterr().err
