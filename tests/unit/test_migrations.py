"""The files of migrations: they run in the order of their names, each once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "schemas" / "database" / "migrations"
FILES = sorted(file.name for file in FOLDER.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_migration_says_its_place_when_it_runs_and_what_it_does(name: str) -> None:
    assert re.fullmatch(r"\d{4}_(pre|post)_[a-z0-9]+(_[a-z0-9]+)*\.sql", name), f"{name}: call it NNNN_pre_what.sql or NNNN_post_what.sql"


@pytest.mark.parametrize("name", FILES)
def test_an_index_that_is_built_beside_the_work_is_made_anew_where_a_run_was_interrupted(name: str) -> None:
    """Such statements are in no transaction: what an interrupted run has left of an index, which nobody uses, has its name."""
    script = (FOLDER / name).read_text()
    statements = [line for line in script.splitlines() if line and not line.startswith("--")]
    if not script.startswith("-- each statement by itself\n"):
        assert "concurrently" not in script, "begin it with the line `-- each statement by itself`"
        return
    for dropping, creating in zip(statements[::2], statements[1::2], strict=True):
        dropped = re.fullmatch(r"drop index concurrently if exists (\w+);", dropping)
        created = re.fullmatch(r"create (?:unique )?index concurrently (\w+) on .*;", creating)
        names = {found[1] if found else None for found in (dropped, created)}
        assert len(names - {None}) == len(names) == 1, "for each index a line that drops what is left, and a line that makes it"


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = Counter(name[:4] for name in FILES)
    twice = [name for name in FILES if numbers[name[:4]] > 1]
    assert twice == [], "give the newer of these the next number that is free: as they are, their words decide which runs first"
