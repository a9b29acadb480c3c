"""The archive that SageMaker unpacks: written so that the same content gives the same bytes, and unpacked without trusting it."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from deployment.errors import ArchiveRefused

#: SageMaker's own limits are higher; no model of ours comes near.
MOST_BYTES = 16 * 1024**3
MOST_MEMBERS = 20_000

_FILE_MODE = 0o644


def write(archive: Path, members: Mapping[str, Path | bytes]) -> None:
    """Write a tar.gz of files, by their names in it; owner, time and order say nothing of the machine that wrote it.

    The file appears whole or not at all.
    """
    part = archive.with_name(archive.name + ".part")
    try:
        with (
            part.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name in sorted(members):
                _add(tar, name, members[name])
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = _FILE_MODE
    if isinstance(content, bytes):
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(entry, file)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive that somebody else may have made into an empty folder; ArchiveRefused names what is wrong with it.

    Taken are files with a plain relative name, each once. Links, devices, names that climb out or are absolute, and archives that unpack to
    more than `MOST_BYTES` are refused.
    """
    taken = 0
    seen: set[str] = set()
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for entry in tar:
                if len(seen) == MOST_MEMBERS:
                    raise ArchiveRefused(f"{archive} has more than the {MOST_MEMBERS} files that are unpacked")
                taken += entry.size
                if taken > MOST_BYTES:
                    raise ArchiveRefused(f"{archive} unpacks to more than the {MOST_BYTES} bytes that are taken")
                _require_plain(archive, entry, seen)
                seen.add(entry.name)
                _unpack_one(tar, entry, folder)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ArchiveRefused(f"{archive} is no tar.gz, or is damaged: {error}") from error


def _require_plain(archive: Path, entry: tarfile.TarInfo, seen: set[str]) -> None:
    reason = None
    path = PurePosixPath(entry.name)
    if entry.issym() or entry.islnk():
        reason = "is a link"
    elif not (entry.isreg() or entry.isdir()):
        reason = "is a device or a pipe"
    elif path.is_absolute() or "\\" in entry.name:
        reason = "has a name that is not relative"
    elif ".." in path.parts:
        reason = "has a name that climbs out of the folder"
    elif not path.parts and entry.isreg():
        reason = "has no name"
    elif entry.name in seen or any(str(parent) in seen for parent in path.parents):
        reason = "comes twice, or lies below a file"
    if reason:
        raise ArchiveRefused(f"{archive} is refused: its member {entry.name!r} {reason}. Nobody who packs a model needs that")


def _unpack_one(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    place = folder / entry.name
    if entry.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(entry)
    assert content is not None, "a regular file has content"
    with content, place.open("xb") as file:
        shutil.copyfileobj(content, file)
    place.chmod(_FILE_MODE)
