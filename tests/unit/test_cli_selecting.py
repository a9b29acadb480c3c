"""How the command line takes times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from cli.selecting import Moment


@pytest.mark.parametrize(("given", "ago"), [("90m", timedelta(minutes=90)), ("7d", timedelta(days=7)), ("2w", timedelta(weeks=2))])
def test_a_time_may_be_said_as_how_long_ago_it_was(given: str, ago: timedelta) -> None:
    before = datetime.now(UTC) - ago
    assert before <= Moment().convert(given, None, None) <= datetime.now(UTC) - ago


def test_a_time_without_a_zone_is_of_this_machine() -> None:
    assert Moment().convert("2026-11-26T09:30", None, None) == datetime(2026, 11, 26, 9, 30).astimezone()
    assert Moment().convert("2026-11-26T09:30+02:00", None, None) == datetime(2026, 11, 26, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("given", ["yesterday", "7", "7y", "2026-13-01", ""])
def test_what_is_no_time_is_named_with_what_was_expected(given: str) -> None:
    with pytest.raises(click.BadParameter, match="expected one such as"):
        Moment().convert(given, None, None)
