"""Waiting for a condition, with a deadline: the one place where a test looks again and again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

#: On a busy machine everything takes its time; what has not come by then will not come.
DEADLINE_SECONDS = 60.0
_PAUSE_SECONDS = 0.02


class NeverHappened(AssertionError):
    """The condition was not met in time."""


@overload
async def until(
    look: Callable[[], Awaitable[T]], what: str, *, holds: Callable[[T], bool] = bool, seconds: float = DEADLINE_SECONDS
) -> T: ...


@overload
async def until(look: Callable[[], T], what: str, *, holds: Callable[[T], bool] = bool, seconds: float = DEADLINE_SECONDS) -> T: ...


async def until(look: Callable[[], Any], what: str, *, holds: Callable[[Any], bool] = bool, seconds: float = DEADLINE_SECONDS) -> Any:
    """What `look` gives, as soon as that is true, or `holds` says so; NeverHappened names `what` and what was seen last."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        answer = look()
        found = await answer if inspect.isawaitable(answer) else answer
        if holds(found):
            return found
        if clock() > deadline:
            raise NeverHappened(f"{what}: not within {seconds:g} s; seen last: {found!r}")
        await asyncio.sleep(_PAUSE_SECONDS)
