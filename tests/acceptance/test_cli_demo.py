"""`valence demo` as its users run it: everything real, and nothing left behind."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psutil

from samples.script import ERRAND
from tests.command_line import started, until, valence
from tests.tiny_checkpoints import SCRIPT, write_hub


def test_the_demo_hears_what_another_clip_says_and_leaves_nothing(tmp_path: Path) -> None:
    done = valence(tmp_path, "demo", str(ERRAND))
    assert done.returncode == 0, done.stderr
    for words in ("kafka is ready", "model is ready", "4 utterances", "joy", "sadness"):
        assert words in done.stdout
    for words in ("received", "validated", "analysing", "completed"):
        assert f"errand.mp4: {words}" in done.stderr
    found = re.search(r"Words by pocketsphinx: (\d+) % word error", done.stdout)
    assert found is not None
    assert int(found[1]) < 40
    assert_nothing_is_left(tmp_path)


def test_the_whole_chain_runs_on_the_hub_profile(tmp_path: Path) -> None:
    """Real servers and processes, and the real loading code, on a tiny Whisper, RoBERTa and DistilBERT."""
    done = valence(tmp_path, "demo", str(ERRAND), **write_hub(tmp_path))

    assert done.returncode == 0, done.stderr
    assert "Words by whisper" in done.stdout
    for _, _, sentence in SCRIPT:
        assert sentence.split()[0] in done.stdout


def test_ctrl_c_during_the_demo_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "demo", str(ERRAND)) as process:
        until(process, "storage is ready")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "valence: interrupted"
    assert_nothing_is_left(tmp_path)


def assert_nothing_is_left(tmp_path: Path) -> None:
    """No process of the demo, and none of its files."""
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if "valence-demo-" in command and str(tmp_path) in command] == []
    assert list(tmp_path.glob("valence-demo-*")) == []
