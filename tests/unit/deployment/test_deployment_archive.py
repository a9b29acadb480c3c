"""The archive: the same bytes for the same content, and nothing of a stranger's archive lands outside its folder."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployment import archive
from deployment.errors import ArchiveRefused


def entry(name: str, **changes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in changes.items():
        setattr(made, attribute, value)
    return made


def packed(path: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for one in entries:
            tar.addfile(one, io.BytesIO(b"x" * one.size))
    return path


def test_the_same_content_gives_the_same_bytes_whoever_packs_it_and_when(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"numbers")
    archive.write(tmp_path / "a.tar.gz", {"b": weights, "a": b"text"})
    weights.chmod(0o600)
    os.utime(weights, (1, 1))
    archive.write(tmp_path / "other.tar.gz", {"a": b"text", "b": weights})
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "other.tar.gz").read_bytes()


def test_what_was_written_is_unpacked(tmp_path: Path) -> None:
    archive.write(tmp_path / "a.tar.gz", {"weights": b"numbers", "code/model/a.py": b"pass"})
    folder = tmp_path / "folder"
    folder.mkdir()
    archive.unpack(tmp_path / "a.tar.gz", folder)
    assert {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()} == {
        "weights": b"numbers",
        "code/model/a.py": b"pass",
    }


def test_a_failure_in_the_middle_leaves_no_half_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "a.tar.gz", {"a": b"text", "b": tmp_path / "nothing"})
    assert list(tmp_path.iterdir()) == []


HOSTILE = {
    "climbs": (lambda: [entry("../outside", size=1)], "climbs out"),
    "climbs in the middle": (lambda: [entry("code/../../outside", size=1)], "climbs out"),
    "is absolute": (lambda: [entry("/tmp/outside", size=1)], "not relative"),
    "is absolute elsewhere": (lambda: [entry("C:\\outside", size=1)], "not relative"),
    "is a symbolic link": (lambda: [entry("link", type=tarfile.SYMTYPE, linkname="/etc"), entry("link/outside", size=1)], "is a link"),
    "is a hard link": (lambda: [entry("link", type=tarfile.LNKTYPE, linkname="/etc/passwd")], "is a link"),
    "is a device": (lambda: [entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "device"),
    "is a pipe": (lambda: [entry("pipe", type=tarfile.FIFOTYPE)], "device"),
    "comes twice": (lambda: [entry("a", size=1), entry("a", size=2)], "comes twice"),
    "lies below a file": (lambda: [entry("a", size=1), entry("a/b", size=1)], "below a file"),
}


@pytest.mark.parametrize(("entries", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_member_that_is_no_plain_file_in_the_folder_is_refused(
    tmp_path: Path, entries: Callable[[], list[tarfile.TarInfo]], said: str
) -> None:
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(ArchiveRefused, match=said):
        archive.unpack(packed(tmp_path / "a.tar.gz", *entries()), folder)
    assert {path.name for path in tmp_path.rglob("*")} <= {"a.tar.gz", "deep", "folder", "a"}


def test_an_archive_that_unpacks_to_more_than_a_model_has_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArchiveRefused, match="unpacks to more than"):
        archive.unpack(packed(tmp_path / "a.tar.gz", entry("a", size=900), entry("b", size=101)), folder)
    assert [file.name for file in folder.iterdir()] == ["a"]


def test_an_archive_of_countless_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    with pytest.raises(ArchiveRefused, match="more than the 2 files"):
        archive.unpack(packed(tmp_path / "a.tar.gz", *(entry(name) for name in "abc")), tmp_path)


DAMAGES = [lambda whole: b"this is no archive", lambda whole: whole[:-20], lambda whole: gzip.compress(b"no tar" * 200)]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_said_to_be_one(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    whole = packed(tmp_path / "a.tar.gz", entry("a", size=100_000))
    whole.write_bytes(damage(whole.read_bytes()))
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArchiveRefused, match="or is damaged"):
        archive.unpack(whole, folder)
