"""Imports point one way, heavy libraries stay where they belong, and files stay small enough to be read."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What each folder may import besides itself. The direction of docs: schemas <- media <- {runtime, model},
#: runtime <- {producers, stream_processors, consumers} <- api <- local <- cli,
#: {runtime, model} <- deployment <- cli; `valence` knows only what flows.
_CHAIN = {"producers", "stream_processors", "consumers"}
MAY_IMPORT: dict[str, set[str]] = {
    "schemas": set(),
    "media": {"schemas"},
    "runtime": {"schemas", "media"},
    "model": {"schemas", "media"},
    "producers": {"schemas", "media", "runtime"},
    "stream_processors": {"schemas", "media", "runtime"},
    "consumers": {"schemas", "media", "runtime"},
    "api": {"schemas", "media", "runtime", *_CHAIN},
    "valence": {"schemas"},
    "local": {"schemas", "media", "runtime", *_CHAIN, "api"},
    "deployment": {"schemas", "media", "runtime", "model"},
    "cli": {"schemas", "media", "runtime", "model", "deployment", *_CHAIN, "api", "local", "valence", "samples"},
}
#: Which of our files may import a library; a name with a slash at its end is a folder.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "faust": ("stream_processors/engine.py",),
    "mode": ("stream_processors/engine.py",),
    "aiokafka": ("stream_processors/engine.py", "stream_processors/lenient_headers.py"),
    "kafka": ("runtime/kafka.py", "runtime/lag.py", "runtime/provisioning.py", "api/status_feed.py"),
    "boto3": ("runtime/aws.py", "model/source.py", "local/storage.py", "deployment/calls.py"),
    "psycopg": ("runtime/", "stream_processors/", "producers/outbox_relay.py", "api/", "local/postgres.py", "cli/keys.py"),
    "torch": ("model/",),
    "transformers": ("model/",),
    "whisper": ("model/",),
    "av": ("media/", "model/training/fusion/synthetic.py"),
    "cv2": ("model/album.py", "model/faces.py"),
    "litestar": ("api/",),
    "uvicorn": ("api/", "local/sagemaker/", "model/"),
    "jgo": ("local/",),
}
NO_HOME = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
MOST_LINES = 300


def sources(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


OURS = [file for folder in MAY_IMPORT for file in sources(folder)]
EVERYTHING = [*OURS, *(file for folder in ("tests", "benchmarks", "samples") for file in sources(folder))]


def imported(file: Path) -> set[tuple[str, str]]:
    """What a file imports, wherever in it: (top-level name, whole name)."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute, so that their direction can be read"
            names.add(node.module or "")
    return {(name.partition(".")[0], name) for name in names}


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def allowed(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or (place.endswith("/") and name.startswith(place)) for place in places)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_one_way(folder: str) -> None:
    files = list(sources(folder))
    assert files, f"{folder}/ has no modules"
    forbidden = {*MAY_IMPORT, "tests", "benchmarks", "samples"} - MAY_IMPORT[folder] - {folder}
    wrong = [f"{named(file)} imports {whole}" for file in files for top, whole in imported(file) if top in forbidden]
    assert wrong == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    users = {named(file) for file in OURS if any(top == library for top, _ in imported(file))}
    assert {name for name in users if not allowed(name, ONLY_IN[library])} == set()


def test_the_engine_is_the_one_module_that_knows_faust() -> None:
    assert {named(file) for file in EVERYTHING if any(top == "faust" for top, _ in imported(file))} == {"stream_processors/engine.py"}


def test_no_name_of_ours_shadows_the_standard_library() -> None:
    top_level = {entry.stem for entry in ROOT.iterdir() if entry.suffix == ".py" or (entry.is_dir() and any(entry.glob("*.py")))}
    assert set(MAY_IMPORT) <= top_level
    assert top_level & sys.stdlib_module_names == set()


def test_every_folder_with_modules_has_its_place_in_the_table() -> None:
    packages = {entry.name for entry in ROOT.iterdir() if (entry / "__init__.py").exists()}
    assert packages - {"tests", "benchmarks", "samples"} == set(MAY_IMPORT)


def test_files_stay_short_enough_to_be_read() -> None:
    lengths = {named(file): len(file.read_text().splitlines()) for file in EVERYTHING}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_modules_say_what_they_are_about() -> None:
    assert [named(file) for file in EVERYTHING if NO_HOME & {*file.relative_to(ROOT).with_suffix("").parts}] == []
    assert [named(file) for file in OURS if not ast.get_docstring(ast.parse(file.read_text()))] == []
