"""The suite itself: what shares servers is run by one worker."""

from __future__ import annotations

import os

import pytest


def test_of_several_workers_one_runs_this_file_as_a_whole(request: pytest.FixtureRequest) -> None:
    assert "PYTEST_XDIST_WORKER" not in os.environ or request.node.nodeid.endswith("@tests/unit/test_suite.py")
