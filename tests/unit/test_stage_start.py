"""What a stage imports before it works: what a killed worker's videos wait for is its start."""

from __future__ import annotations

import json
import subprocess
import sys

#: Large, and not needed for a first video: kafka-python tells the lag later, boto3's resources and the SDK of traces are not used.
NOT_AT_THE_START = {"api", "boto3", "kafka", "litestar", "numpy", "opentelemetry.sdk", "rich", "s3transfer"}
_STARTED = "import json, sys, stream_processors.__main__, stream_processors.engine; print(json.dumps(list(sys.modules)))"


def test_a_stage_starts_without_what_its_work_does_not_need() -> None:
    ended = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True, check=True)
    assert NOT_AT_THE_START.isdisjoint(json.loads(ended.stdout))


def test_the_children_that_open_media_start_while_faust_is_imported() -> None:
    started = "import json, sys, stream_processors.__main__; print(json.dumps(list(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", started], capture_output=True, text=True, check=True)
    assert "faust" not in json.loads(ended.stdout)
