"""What is shown while videos are on their way: a live table on a terminal, plain lines everywhere else. Always on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.consoles import progress_output
from cli.journeys import Journey
from cli.wording import explained, outlook, printable, size
from schemas.status import RANK, Status

#: What happens next while an upload has this status.
_NEXT = {
    Status.RECEIVED: "validating",
    Status.VALIDATED: "handing over to the model",
    Status.ANALYSING: "analysing",
    Status.COMPLETED: "fetching the analysis",
}
#: What has happened once an upload has come as far as this status.
_DONE = ((Status.RECEIVED, "sent"), (Status.VALIDATED, "validated"), (Status.COMPLETED, "analysed"))


class Display(Protocol):
    """Shows how far videos have come."""

    def show(self, number: int, journey: Journey) -> None:
        """Take note of a step of the video with this number."""


@contextmanager
def display() -> Iterator[Display]:
    """The display that fits where standard error goes."""
    console = progress_output()
    if not console.is_terminal:
        yield _Lines(console)
        return
    table = _LiveTable()
    with Live(table, console=console, refresh_per_second=10):
        yield table


def steps(journey: Journey) -> Text:
    """The steps of a video that are done, then how it ended or what happens now."""
    if journey.ended and journey.analysis is None:
        return Text(f"✗ {explained(journey.outcome, journey.failure)}", style="red")
    rank = RANK[journey.status] if journey.status else 0
    done = [word for status, word in _DONE if rank >= RANK[status]]
    return Text("  ".join(f"✓ {word}" for word in done), style="green")


def now(journey: Journey) -> str | None:
    """What happens to a video at the moment; None when it has ended."""
    if journey.ended:
        return None
    if journey.status in _NEXT:
        getting_on = outlook(journey.progress) if journey.progress else ""
        return f"{_NEXT[journey.status]}, {getting_on}" if getting_on else _NEXT[journey.status]
    if journey.sent and journey.sent == journey.bytes:
        return f"storing {size(journey.bytes)}"
    share = f" {100 * journey.sent // journey.bytes} %" if journey.bytes else ""
    return f"sending{share} of {size(journey.bytes)}"


class _Lines:
    """A line for each new status, and one for how it gets on in that."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[int, tuple[Status | None, bool, bool]] = {}

    def show(self, number: int, journey: Journey) -> None:
        getting_on = outlook(journey.progress) if journey.progress else ""
        state = (journey.status, journey.ended, bool(getting_on))
        if self._last.get(number) == state or (journey.status is Status.COMPLETED and not journey.ended):
            return
        self._last[number] = state
        what = explained(journey.outcome, journey.failure) + (f", {getting_on}" if getting_on else "")
        self._console.print(Text(f"{printable(journey.path.name)}: {what} ({journey.seconds:.1f} s)"), soft_wrap=True)


class _LiveTable:
    """A row for each video that has set out, drawn anew ten times a second."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Journey, float, Spinner]] = {}

    def show(self, number: int, journey: Journey) -> None:
        spinner = self._rows[number][2] if number in self._rows else Spinner("dots")
        self._rows[number] = (journey, time.monotonic(), spinner)

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(max_width=28, no_wrap=True, overflow="ellipsis")
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        for number in sorted(self._rows):
            journey, noted, spinner = self._rows[number]
            seconds = journey.seconds + (0.0 if journey.ended else time.monotonic() - noted)
            line = Table.grid(padding=(0, 2))
            cells: list[Text | Spinner] = [steps(journey)] if steps(journey).plain else []
            if activity := now(journey):
                spinner.update(text=activity)
                cells.append(spinner)
            line.add_row(*cells)
            table.add_row(Text(printable(journey.path.name)), line, f"{seconds:.0f} s")
        return table
