"""`valence uploads` and `valence watch` as their users run them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from schemas.resources import CreateUpload
from tests.command_line import environment, valence
from tests.scripted_api import KEY, SRT, ScriptedApi, scripted_api


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as running:
        yield running


def an_upload(api: ScriptedApi, name: str) -> UUID:
    upload_id = uuid4()
    api.uploads[upload_id] = CreateUpload(filename=name, bytes=1_234_567)
    return upload_id


def run(tmp_path: Path, api: ScriptedApi, *arguments: object) -> subprocess.CompletedProcess[str]:
    return valence(tmp_path, *map(str, arguments), VALENCE_API_URL=api.url, VALENCE_API_KEY=KEY)


def test_uploads_are_listed_with_id_status_and_name(tmp_path: Path, api: ScriptedApi) -> None:
    good, bad = an_upload(api, "good.mp4"), an_upload(api, "bad.mp4")
    done = run(tmp_path, api, "uploads", "list")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert done.returncode == 0
    assert (rows[str(good)][1], rows[str(good)][-1]) == ("completed", "good.mp4")
    assert (rows[str(bad)][1], rows[str(bad)][-1]) == ("rejected", "bad.mp4")


def test_a_search_without_a_hit_is_told_from_an_account_without_uploads(tmp_path: Path, api: ScriptedApi) -> None:
    for arguments, words in ([], "`valence analyse FILE` sends one"), (["--search", "budget"], "without these options"):
        done = run(tmp_path, api, "uploads", "list", *arguments)
        assert done.returncode == 0
        assert words in done.stdout + done.stderr


def test_one_upload_is_shown_with_why_it_was_rejected(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "show", an_upload(api, "bad.mp4"))
    assert done.returncode == 0
    assert "rejected: the file is no video or sound (not_media; trying again does not help)" in done.stdout
    assert "1 MiB" in done.stdout


def test_an_unknown_upload_ends_with_1_in_the_apis_words(tmp_path: Path, api: ScriptedApi) -> None:
    unknown = uuid4()
    done = run(tmp_path, api, "uploads", "show", unknown)
    assert done.returncode == 1
    assert f"this account has no upload '{unknown}'" in done.stderr


def test_what_is_no_id_is_misuse(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "show", "good.mp4")
    assert done.returncode == 2
    assert "'good.mp4' is not a valid UUID" in done.stderr


def test_a_retry_says_which_attempt_has_begun_and_how_to_follow_it(tmp_path: Path, api: ScriptedApi) -> None:
    upload_id = an_upload(api, "late.mp4")
    done = run(tmp_path, api, "uploads", "retry", upload_id)
    assert done.returncode == 0
    assert f"attempt 2 has begun: `valence watch {upload_id}`" in done.stdout
    assert "warning" not in done.stderr


def test_a_retry_that_does_not_help_begins_and_says_so(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "retry", an_upload(api, "bad.mp4"))
    assert "attempt 2 has begun" in done.stdout
    assert "warning: attempt 1 was rejected: the file is no video or sound (not_media; trying again does not help)" in done.stderr


def test_a_key_that_may_not_look_may_try_again(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "retry", an_upload(api, "unseen.mp4"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "attempt 2 has begun" in done.stdout


def test_work_is_cancelled(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "cancel", an_upload(api, "late.mp4"))
    assert (done.returncode, done.stdout) == (0, "late.mp4 is cancelled\n")


def test_deleting_asks_first_and_names_the_receipt(tmp_path: Path, api: ScriptedApi) -> None:
    upload_id = an_upload(api, "good.mp4")
    unanswered = run(tmp_path, api, "uploads", "delete", upload_id)
    assert unanswered.returncode != 0
    assert upload_id in api.uploads, "nobody has said yes"
    done = run(tmp_path, api, "uploads", "delete", upload_id, "--yes")
    assert done.returncode == 0
    assert f"receipt {UUID(int=7)}" in done.stdout
    assert upload_id not in api.uploads


def test_an_analysis_comes_in_the_format_that_is_asked_for(tmp_path: Path, api: ScriptedApi) -> None:
    upload_id = an_upload(api, "good.mp4")
    assert run(tmp_path, api, "uploads", "analysis", upload_id, "--format", "srt").stdout == SRT
    document = json.loads(run(tmp_path, api, "uploads", "analysis", upload_id, "--format", "json").stdout)
    assert document["utterances"][0]["text"] == "what a day"
    assert "joy 91 %" in run(tmp_path, api, "uploads", "analysis", upload_id).stdout


def test_an_analysis_that_is_not_there_ends_with_1(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "uploads", "analysis", an_upload(api, "bad.mp4"), "--format", "json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the upload is rejected" in done.stderr


def test_watching_uploads_ends_with_the_last_of_them_and_says_how_they_ended(tmp_path: Path, api: ScriptedApi) -> None:
    good, late = an_upload(api, "good.mp4"), an_upload(api, "late.mp4")
    done = run(tmp_path, api, "watch", good, late)
    assert done.returncode == 1
    lines = [line.split(maxsplit=2)[1:] for line in done.stdout.splitlines()]
    assert [status for upload_id, status in lines if upload_id == str(good)][-2:] == ["analysing", "completed"]
    assert "expired: the endpoint did not get to this video in time (inference_expired; trying again can help)" in done.stdout


def test_watching_completed_uploads_ends_with_0(tmp_path: Path, api: ScriptedApi) -> None:
    assert run(tmp_path, api, "watch", an_upload(api, "good.mp4")).returncode == 0


def test_watching_everything_begins_with_what_there_is_and_ends_at_ctrl_c(tmp_path: Path, api: ScriptedApi) -> None:
    upload_id = an_upload(api, "slow.mp4")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "watch"],
        env=environment(tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=KEY),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert line.split()[1:] == [str(upload_id), "analysing", "slow.mp4"]
    assert (process.returncode, said.strip()) == (130, "valence: interrupted")
