"""The options that say which uploads are meant, wherever several are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

import click

from schemas.analysis import EMOTIONS, SENTIMENTS
from schemas.status import Status
from valence import Selection

Result = TypeVar("Result")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

#: By value: click would take the names of an enumeration's members, in capitals.
_STATUSES = click.Choice([status.value for status in Status])


class Moment(click.ParamType):
    """A date, a time, or how long ago it was, such as 90m, 12h, 7d or 2w; of this machine's zone unless it names one."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """A time with its zone."""
        if ago := re.fullmatch(r"(\d{1,5})([mhdw])", value):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: expected one such as 2026-11-26, 2026-11-26T09:30 or 7d", param, ctx)


_OPTIONS = (
    click.option("--search", metavar="WORDS", help='Only with these words said or in the name: `"a phrase"`, `a or b`, `-not`, `begin*`.'),
    click.option("--emotion", multiple=True, type=click.Choice(EMOTIONS), metavar="EMOTION", help=f"Only with: {', '.join(EMOTIONS)}."),
    click.option("--sentiment", multiple=True, type=click.Choice(SENTIMENTS), metavar="SENTIMENT", help=f"Or: {', '.join(SENTIMENTS)}."),
    click.option("--status", multiple=True, type=_STATUSES, metavar="STATUS", help=f"Only so: {', '.join(Status)}."),
    click.option("--since", type=Moment(), metavar="WHEN", help="Only sent since then: a date, a time, or 7d for seven days ago."),
    click.option("--until", type=Moment(), metavar="WHEN", help="Only sent before then."),
)


def selection_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """`--search`, `--emotion`, `--sentiment`, `--status`, `--since` and `--until`, as one argument `selection`."""

    @wraps(command)
    def select(search: str | None, emotion: Any, sentiment: Any, status: Any, since: Any, until: Any, **others: Any) -> Result:
        statuses = [Status(one) for one in status]
        return command(selection=Selection(search, emotion, sentiment, statuses, since, until), **others)

    for option in reversed(_OPTIONS):
        select = option(select)
    return select
