"""How commands end: the exit codes that scripts rely on, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of `valence`."""

    COMPLETED = 0
    NOT_COMPLETED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


class CommandFailed(Exception):
    """The command cannot do what was asked; the message says what to do instead."""

    code: Exit = Exit.NOT_COMPLETED


class Misused(CommandFailed):
    """Something that the command needs was not given, or is wrong."""

    code = Exit.USAGE


class Unreachable(CommandFailed):
    """A service does not answer."""

    code = Exit.UNREACHABLE
