"""How values are put into words: times, sizes, scores, statuses with their reasons, and text that strangers wrote."""

from __future__ import annotations

from schemas.analysis import NoUtterances
from schemas.failures import Failure
from schemas.resources import Progress

NO_UTTERANCES = {
    NoUtterances.NO_AUDIO: "No utterances: the video has no sound.",
    NoUtterances.NO_SPEECH: "No utterances: no speech was found in the sound.",
}


def printable(text: str) -> str:
    """Text without the control characters by which a file name or a caption could take over the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def clock(seconds: float) -> str:
    """A time of the video: `1:05.2`, from an hour on `1:01:05.2`."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def size(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def score(name: str, probability: float) -> str:
    """A label with its probability: `joy 87 %`."""
    return f"{name} {100 * probability:.0f} %"


def explained(status: str, failure: Failure | None) -> str:
    """A status, and where it is not a good one why, and whether trying again helps."""
    if failure is None:
        return status
    helps = "trying again can help" if failure.retryable else "trying again does not help"
    return f"{status}: {printable(failure.message)} ({failure.code}; {helps})"


def outlook(progress: Progress) -> str:
    """How an upload in work gets on: `3 before it, about 40 s left`; no time where none was measured."""
    words = [f"{progress.ahead} before it"] if progress.ahead else []
    if progress.seconds_left is not None:
        words.append(f"about {_roughly(progress.seconds_left)} left" if progress.seconds_left else "any moment now")
    return ", ".join(words)


def _roughly(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{round(minutes / 60)} h"
