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


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = Counter(name[:4] for name in FILES)
    twice = [name for name in FILES if numbers[name[:4]] > 1]
    assert twice == [], "give the newer of these the next number that is free: as they are, their words decide which runs first"
