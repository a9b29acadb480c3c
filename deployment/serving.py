"""An archive served as SageMaker would serve it, without a container: unpacked, read-only, by the container's own process."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from deployment import package
from deployment.package import CODE


def unpacked(archive: Path, cache: Path) -> tuple[Path, package.Manifest]:
    """The read-only folder of an archive's content, unpacked the first time, and its manifest.

    Raises ArchiveRefused and WeightsRefused.
    """
    with archive.open("rb") as file:
        folder = cache / hashlib.file_digest(file, "sha256").hexdigest()
    if folder.is_dir():
        return folder, package.read_manifest(folder)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as scratch:
        content = Path(scratch) / "model"
        content.mkdir()
        manifest = package.unpack(archive, content)
        try:
            content.rename(folder)
        except OSError:  # another process was quicker
            return folder, manifest
    for place in sorted(folder.rglob("*"), reverse=True):
        place.chmod(0o555 if place.is_dir() else 0o444)
    folder.chmod(0o555)
    return folder, manifest


def container_environment(folder: Path, manifest: package.Manifest, host: str, port: int) -> dict[str, str]:
    """What makes `python -m model serve` run with the archive's own code and weights, wherever it is started."""
    return {
        "VALENCE_MODEL_PROFILE": manifest.profile,
        "VALENCE_MODEL_FOLDER": str(folder),
        "VALENCE_MODEL_HOST": host,
        "VALENCE_MODEL_PORT": str(port),
        "PYTHONPATH": str(folder / CODE),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Else the current folder comes first, and with it perhaps the repository's own code.
        "PYTHONSAFEPATH": "1",
    }


def become_container(environment: Mapping[str, str]) -> NoReturn:
    """Become the container's process. Signals reach it as they are."""
    os.execve(sys.executable, [sys.executable, "-m", "model", "serve"], dict(environment))  # noqa: S606 - the point of this function
