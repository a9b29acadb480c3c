"""`valence analyse` as its users run it: a process, its exit code, its two outputs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import environment, valence
from tests.scripted_api import KEY, SRT, ScriptedApi, scripted_api


@pytest.fixture(scope="module")
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as running:
        yield running


def run(tmp_path: Path, api: ScriptedApi | None, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    known = {"VALENCE_API_URL": api.url, "VALENCE_API_KEY": KEY} if api else {}
    return valence(tmp_path, *arguments, **{**known, **variables})


def a_file(tmp_path: Path, name: str) -> str:
    (tmp_path / name).write_bytes(b"video")
    return str(tmp_path / name)


def documents(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {Path(document["file"]).name: document for document in map(json.loads, done.stdout.splitlines())}


def test_a_completed_analysis_is_a_table_of_utterances_and_exit_code_0(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "good.mp4"))
    assert done.returncode == 0
    (row,) = [line for line in done.stdout.splitlines() if "what a day" in line]
    assert row.split() == ["0:00.0", "–", "0:01.5", "joy", "91", "%", "positive", "85", "%", "what", "a", "day"]
    assert "1 utterance in 0:01.5: 1 joy; 1 positive." in done.stdout
    assert [line.split(": ")[1].split()[0] for line in done.stderr.splitlines()][-3:] == ["validated", "analysing", "completed"]


def test_json_is_all_that_is_on_standard_output(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", "--json", a_file(tmp_path, "good.mp4"), a_file(tmp_path, "bad.mp4"))
    assert done.returncode == 1
    good, bad = documents(done)["good.mp4"], documents(done)["bad.mp4"]
    assert (good["status"], good["failure"], good["analysis"]["utterances"][0]["text"]) == ("completed", None, "what a day")
    assert (bad["status"], bad["failure"]["code"], bad["analysis"]) == ("rejected", "not_media", None)


def test_a_file_goes_straight_to_the_storage_where_somebody_wants_it(tmp_path: Path, api: ScriptedApi) -> None:
    for straight in ([], ["--straight-to-storage"]):
        assert not api.stored
        assert run(tmp_path, api, "analyse", *straight, a_file(tmp_path, "good.mp4")).returncode == 0
    assert list(api.stored.values()) == [b"video"]


def test_srt_is_what_the_api_gives_unchanged(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", "--srt", a_file(tmp_path, "good.mp4"))
    assert (done.returncode, done.stdout) == (0, SRT)


def test_a_rejected_file_ends_with_1_and_says_why_and_that_a_retry_does_not_help(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "bad.mp4"), a_file(tmp_path, "good.mp4"))
    assert done.returncode == 1
    assert "bad.mp4: rejected: the file is no video or sound (not_media; trying again does not help)" in done.stderr
    assert "what a day" in done.stdout


def test_a_failure_that_a_retry_may_mend_says_so(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "late.mp4"))
    assert done.returncode == 1
    assert "expired: the endpoint did not get to this video in time (inference_expired; trying again can help)" in done.stderr


def test_a_file_that_the_api_refuses_is_that_files_affair_alone(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", "--json", a_file(tmp_path, "refused.mp4"), a_file(tmp_path, "good.mp4"))
    assert done.returncode == 1
    refused = documents(done)["refused.mp4"]
    assert (refused["status"], refused["failure"]["code"]) == ("refused", "content-too-large")
    assert documents(done)["good.mp4"]["status"] == "completed"


def test_more_files_than_travel_at_once_all_arrive(tmp_path: Path, api: ScriptedApi) -> None:
    files = [a_file(tmp_path, f"{number}.mp4") for number in range(9)]
    done = run(tmp_path, api, "analyse", "--json", *files)
    assert done.returncode == 0
    assert {document["status"] for document in documents(done).values()} == {"completed"}
    assert len(documents(done)) == 9


def test_a_video_without_sound_is_completed_and_says_that_it_has_none(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "silent.mp4"))
    assert done.returncode == 0
    assert "No utterances: the video has no sound." in done.stdout


def test_captions_can_neither_command_the_terminal_nor_be_taken_for_markup(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "hostile.mp4"))
    assert "what [bold]a[/bold] day" in done.stdout
    assert not {character for character in done.stdout if not character.isprintable()} - {"\n"}


def test_a_time_limit_ends_with_4_and_says_how_to_go_on(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", "--timeout", "3", a_file(tmp_path, "slow.mp4"))
    assert done.returncode == 4
    (slow,) = [upload_id for upload_id, wanted in api.uploads.items() if wanted.filename == "slow.mp4"]
    assert f"not finished after 3 s: what was sent goes on, see `valence watch {slow}`" in done.stderr


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path, api: ScriptedApi) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "analyse", a_file(tmp_path, "slow.mp4")],
        env=environment(tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=KEY),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if "analysing" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted: what was sent goes on, see `valence watch " in rest


def test_an_api_that_does_not_answer_ends_with_3_and_says_what_was_tried(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    done = run(tmp_path, None, "analyse", "--api-url", url, "--api-key", KEY, a_file(tmp_path, "good.mp4"))
    assert done.returncode == 3
    assert url in done.stderr
    assert "`valence local up`" in done.stderr


def test_without_any_address_it_ends_with_3_and_says_where_it_looked(tmp_path: Path) -> None:
    done = run(tmp_path, None, "analyse", a_file(tmp_path, "good.mp4"))
    assert done.returncode == 3
    for looked in ("--api-url", "VALENCE_API_URL", str(tmp_path / "no-stack"), "`valence local up`"):
        assert looked in done.stderr


def test_an_api_whose_servers_are_away_ends_with_3(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "away.mp4"))
    assert (done.returncode, "s3 is unavailable" in done.stderr) == (3, True)


def test_a_key_that_is_not_accepted_is_refused_in_words(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "good.mp4"), VALENCE_API_KEY="val_live_wrong")
    assert done.returncode == 1
    assert "no account has this key" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["analyse"], "Missing argument 'FILE...'"),
        (["analyse", "missing.mp4"], "'missing.mp4' does not exist"),
        (["analyse", "--json", "--srt", "good.mp4"], "choose one"),
        (["analyse", "--elan", "--vtt", "good.mp4"], "--vtt and --elan exclude each other"),
        (["analyse", "--srt", "good.mp4", "bad.mp4"], "2 files were given"),
        (["analyse", "--timeout", "0", "good.mp4"], "0"),
        (["analyse", "--api-url", "http://127.0.0.1:1", "good.mp4"], "there is no key for http://127.0.0.1:1"),
        (["analise"], "No such command 'analise'"),
    ],
)
def test_misuse_ends_with_2_and_names_what_was_wrong(tmp_path: Path, arguments: list[str], words: str) -> None:
    names = {name: a_file(tmp_path, name) for name in ("good.mp4", "bad.mp4")}
    done = run(tmp_path, None, *[names.get(argument, argument) for argument in arguments])
    assert done.returncode == 2
    assert words in done.stderr


def test_a_fault_of_our_own_is_a_sentence_that_names_a_report(tmp_path: Path, api: ScriptedApi) -> None:
    done = run(tmp_path, api, "analyse", a_file(tmp_path, "garbage.mp4"))
    assert done.returncode == 1
    assert "this is a fault of valence itself" in done.stderr
    (report,) = tmp_path.glob("valence-fault-*.txt")
    assert str(report) in done.stderr
    assert "Traceback" in report.read_text()
