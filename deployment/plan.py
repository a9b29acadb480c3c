"""A plan: every change that is to be made, found by reading alone, so that it can be shown before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One step: what is done to what, why, and the calls that do it."""

    verb: str
    what: str
    detail: str
    apply: Callable[[], object]

    def __str__(self) -> str:
        return f"{self.verb:<8}{self.what}" + (f": {self.detail}" if self.detail else "")


def differences(wanted: Any, live: Any, path: str = "") -> list[str]:
    """What of the wanted is not so, as `name: what it is -> what it should be`; what is there besides does not count."""
    if isinstance(wanted, Mapping):
        there = live if isinstance(live, Mapping) else {}
        return [line for name in wanted for line in differences(wanted[name], there.get(name), f"{path}.{name}" if path else name)]
    if wanted == live:
        return []
    return [f"{path}: {'nothing' if live is None else live} -> {wanted}"]


def carry_out(changes: Iterable[Change], report: Callable[[str], None]) -> None:
    """Make the changes one after another, each said before it is made."""
    for change in changes:
        report(str(change))
        change.apply()
