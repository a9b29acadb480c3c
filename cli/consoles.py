"""Standard output and standard error as rich prints on them."""

from __future__ import annotations

import os
import sys

import click
from rich import box
from rich.console import Console
from rich.table import Table

#: What is piped goes to a program or a file, which have no width: lines are not broken sooner than this.
_PIPED_WIDTH = 200


def output() -> Console:
    """Standard output, for results."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_PIPED_WIDTH if piped else None)


def progress_output() -> Console:
    """Standard error, for progress: it is in nobody's way when results are piped."""
    return Console(stderr=True, highlight=False)


def plain_table(*columns: str) -> Table:
    """A table with a line below its headings and no other; the first columns are never broken, the last one is."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in columns[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(columns[-1], overflow="fold")
    return table


def print_table(table: Table, nothing: str) -> None:
    """Print a table; one without rows is told of in words, which are in nobody's way when results are piped."""
    if table.row_count:
        output().print(table)
    else:
        click.echo(nothing, err=True)
