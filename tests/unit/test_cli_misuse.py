"""What is given wrongly to the command line is answered in a sentence that names it, before anything is asked or sent."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import accounts, export, uploads
from cli.api import find_api, known_url
from cli.exits import Misused
from cli.journeys import How, Journey, travel
from cli.main import run
from cli.unsent import Unsent
from runtime import database
from schemas.status import Status
from valence import Selection

#: Nobody listens there.
NOWHERE = ["--api-url", "http://127.0.0.1:1", "--api-key", "none"]


class Asked(Exception):
    """A request that the command would have made."""


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> list[Selection]:
    """What the library would have been asked for."""
    asked: list[Selection] = []

    def first(limit: int, page: Any) -> list[Any]:
        page(limit, None)
        return []

    class Client:
        def list_uploads(self, *, limit: int, after: None, **wanted: Any) -> None:
            asked.append(Selection(**wanted))

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(uploads, "first", first)
    monkeypatch.setattr(uploads, "connected", lambda _: Client())
    return asked


@pytest.mark.parametrize("status", Status)
def test_a_status_is_chosen_by_the_word_that_every_list_shows(status: Status, selections: list[Selection]) -> None:
    assert run(["uploads", "list", "--status", status.value, *NOWHERE]) == 0
    assert [selection.statuses for selection in selections] == [[status]]


def test_a_status_that_is_none_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["uploads", "list", "--status", "done", *NOWHERE]) == 2
    assert "'done' is not one of 'created'," in capsys.readouterr().err


def test_an_archive_that_cannot_be_written_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def archive(*_: object, **__: object) -> None:
        raise Asked

    class Connected:
        def __enter__(self) -> SimpleNamespace:
            return SimpleNamespace(archive=archive)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(export, "connected", lambda _: Connected())
    assert run(["export", str(tmp_path / "nowhere" / "all.zip"), *NOWHERE]) == 1
    said = capsys.readouterr().err
    assert f"nothing can be written into {tmp_path / 'nowhere'} (No such file or directory): name a file" in said


def test_a_model_s_archive_that_cannot_be_written_is_named_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sagemaker", "package", "--output", str(tmp_path / "nowhere" / "model.tar.gz")]) == 1
    assert "nowhere/model.tar.gz.part cannot be used (No such file or directory): " in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nonsense", "localhost:8000", "ftp://valence.example", "https://"])
def test_what_is_no_address_of_an_api_is_named_with_what_was_expected(url: str) -> None:
    for find in (lambda: find_api(url, "key", None), lambda: known_url(url, None)):
        with pytest.raises(Misused, match=rf"{url!r} is no address of an API: expected one such as https://"):
            find()


def test_an_empty_file_is_refused_without_an_upload_that_waits_for_it(tmp_path: Path) -> None:
    file = tmp_path / "empty.mp4"
    file.touch()
    shown: list[Journey] = []
    client: Any = SimpleNamespace()  # any request would be an AttributeError
    (journey,) = travel(client, Unsent("http://127.0.0.1:1", tmp_path), [file], How(), 60, lambda _, now: shown.append(now))
    assert journey.refused
    assert journey.failure is not None
    assert journey.failure.message == "the file is empty: choose another"


@pytest.mark.parametrize("command", [["accounts", "create", " "], ["plans", "define", ""]])
def test_nothing_is_made_without_a_name(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def ask(*_: object) -> None:
        raise Asked

    monkeypatch.setattr(accounts, "ask", ask)
    monkeypatch.setattr("cli.plans.ask", ask)
    assert run(command) == 2
    assert f"{command[2]!r} is no name for a" in capsys.readouterr().err


def test_a_log_is_that_of_the_process_or_of_the_replicas_of_the_stage_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("sagemaker", "sagemaker-notices", "validate-0", "validate-1"):
        (tmp_path / "logs" / f"{name}.log").write_text(f"said by {name}\n")
    assert run(["local", "logs", "sagemaker", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "said by sagemaker\n"
    assert run(["local", "logs", "validate", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "validate-0: said by validate-0\nvalidate-1: said by validate-1\n"


def test_a_server_that_is_away_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for logger in (logging.getLogger(), logging.getLogger("psycopg.pool")):
        monkeypatch.setattr(logger, "handlers", [])  # as in a command: warnings that nobody takes go to standard error
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(database, "CONNECT_SECONDS", 0.3)
    assert run(["accounts", "list"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("valence: postgresql is unavailable")
    assert said.count("\n") == 1
