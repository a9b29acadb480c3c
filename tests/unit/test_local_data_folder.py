"""Where a stack keeps its data, what it writes there, and what it refuses to empty."""

import stat
from pathlib import Path

import pytest

from local.data_folder import default_data_folder, held, read_stack_file, reset, write_stack_file
from local.errors import DataFolderForeign, DataFolderHeld, DataFolderUnusable


def test_the_folder_is_the_named_one_else_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert default_data_folder({"VALENCE_LOCAL_DATA_DIR": "/there"}) == Path("/there")
    assert default_data_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/valence")
    assert default_data_folder({}) == Path.home() / ".local/share/valence"
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_data_folder({"XDG_DATA_HOME": "/data"}) == Path.home() / "Library/Application Support/valence"


def test_the_stack_file_is_readable_by_its_owner_alone_even_when_replaced(tmp_path: Path) -> None:
    (tmp_path / "stack.json").touch(mode=0o644)
    write_stack_file(tmp_path, {"secrets": {"control": "s3cret"}})
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600
    assert read_stack_file(tmp_path) == {"secrets": {"control": "s3cret"}}


def test_a_folder_that_cannot_be_made_is_named_with_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "below"
    with pytest.raises(DataFolderUnusable, match=r"below cannot be the data folder \(Not a directory\): name another"), held(folder):
        pass


def test_a_folder_where_no_stack_has_run_has_no_stack_file(tmp_path: Path) -> None:
    assert read_stack_file(tmp_path) == {}


def test_a_folder_is_held_by_one_at_a_time_and_free_afterwards(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(DataFolderHeld), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_reset_leaves_a_folder_alone_that_no_stack_has_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataFolderForeign, match=r"no stack\.json"):
        reset(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_reset_does_not_follow_links_out_of_the_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    folder = tmp_path / "data"
    folder.mkdir()
    write_stack_file(folder, {})
    (folder / "link").symlink_to(elsewhere)
    reset(folder)
    assert (elsewhere / "kept").exists()
    assert not (folder / "link").is_symlink()


def test_reset_of_a_folder_that_does_not_exist_is_nothing(tmp_path: Path) -> None:
    reset(tmp_path / "never")
    assert not (tmp_path / "never").exists()
