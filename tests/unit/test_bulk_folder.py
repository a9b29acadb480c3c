"""Which files of a folder are ingested, and under which names."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from producers.bulk_folder import expected_etag, files_in
from runtime.multipart import PART_BYTES

ACCOUNT = UUID("0199c0de-0000-7000-8000-000000000001")


def a_folder(root: Path) -> Path:
    for name in ("b.mp4", "sub/a.MOV", "sub/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12345")
    return root


def test_media_files_are_found_in_every_folder_below_and_keep_their_paths(tmp_path: Path) -> None:
    found = files_in(a_folder(tmp_path), ACCOUNT)
    assert [file.key for file in found] == [f"ingest/{ACCOUNT}/b.mp4", f"ingest/{ACCOUNT}/sub/a.MOV"]
    assert [file.bytes for file in found] == [5, 5]


def test_other_files_are_found_too_when_all_are_wanted(tmp_path: Path) -> None:
    assert [file.path.name for file in files_in(a_folder(tmp_path), ACCOUNT, every=True)] == ["b.mp4", "a.MOV", "notes.txt"]


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    assert files_in(folder, ACCOUNT) == []


def test_a_name_that_s3_cannot_have_is_told_from_the_others(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "long.mp4").write_bytes(b"x")
    (tmp_path / os.fsdecode(b"\xff.mp4")).write_bytes(b"x")
    (tmp_path / "fine ü.mp4").write_bytes(b"x")
    assert [file.path.name for file in files_in(tmp_path, ACCOUNT) if file.has_valid_key] == ["fine ü.mp4"]


def test_the_etag_of_a_small_file_is_its_md5(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert expected_etag(tmp_path / "a") == "5d41402abc4b2a76b9719d911017c592"


def test_the_etag_of_a_large_file_counts_its_parts(tmp_path: Path) -> None:
    sizes = {PART_BYTES - 1: None, PART_BYTES: "1", PART_BYTES + 1: "2", 2 * PART_BYTES: "2"}
    for size, parts in sizes.items():
        (tmp_path / "a").write_bytes(bytes(size))
        assert expected_etag(tmp_path / "a").partition("-")[2] == (parts or "")
