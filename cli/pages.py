"""Lists that the API hands out in pages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Entry = TypeVar("Entry")
Entry_co = TypeVar("Entry_co", covariant=True)

#: What the API gives at a time, at most.
_A_PAGE = 100


class Page(Protocol[Entry_co]):
    """Some entries, and where the next page begins; None on the last one."""

    @property
    def data(self) -> Sequence[Entry_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


def first(most: int, page: Callable[[int, str | None], Page[Entry]]) -> Iterator[Entry]:
    """The first `most` entries; `page` gets how many are wanted and where it begins, None for the first one."""
    return itertools.islice(_all(min(most, _A_PAGE), page), most)


def _all(size: int, page: Callable[[int, str | None], Page[Entry]]) -> Iterator[Entry]:
    after = None
    while True:
        found = page(size, after)
        yield from found.data
        after = found.next_cursor
        if after is None:
            return
