"""Logs of children: appended to, set aside when large, quoted by their last lines."""

from pathlib import Path

import pytest

from local import log_files


def test_a_log_is_appended_to_and_quoted_by_its_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "kafka.log"
    for part in range(2):
        with log_files.open_log(path) as log:
            log.write("".join(f"line {part * 20 + number}\n" for number in range(20)).encode())
    assert log_files.last_lines(path) == [f"line {number}" for number in range(25, 40)]


def test_a_child_without_a_log_has_no_last_lines(tmp_path: Path) -> None:
    assert log_files.last_lines(tmp_path / "none.log") == []


def test_a_large_log_is_set_aside_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "_LARGEST", 10)
    path = tmp_path / "kafka.log"
    path.write_text("more than ten bytes")
    log_files.open_log(path).close()
    assert path.read_text() == ""
    assert (tmp_path / "kafka.log.1").read_text() == "more than ten bytes"
