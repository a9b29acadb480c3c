"""Scores as tables in Markdown, for the card and for the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from model.training.text.measures import Numbers
from model.training.text.scores import HeadScores, SetScores


def percent(value: float) -> str:
    """A share in percent, with one place."""
    return f"{100 * value:.1f}"


def _within(value: float, interval: Numbers) -> str:
    return f"{percent(value)} ({percent(interval[0])} to {percent(interval[1])})"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def overview(scores: SetScores) -> str:
    """A row for each form and head, in percent, with 95 % bootstrap intervals."""
    headings = ("text", "head", "weighted F1", "macro F1", "accuracy", "calibration error")
    return table(headings, (_row(form, head, judged) for form, heads in scores.items() for head, judged in heads.items()))


def _row(form: str, head: str, judged: HeadScores) -> tuple[str, ...]:
    *_, whole, macro = judged.intervals
    accuracy = percent(float((judged.predicted == judged.labels).mean()))
    error = percent(judged.calibration_error)
    return form, head, _within(judged.weighted_f1, whole), _within(judged.macro_f1, macro), accuracy, error


def by_class(scores: SetScores, head: str) -> str:
    """F1 of each class of a head in each form, with how many there are."""
    judged = {form: heads[head] for form, heads in scores.items()}
    first = next(iter(judged.values()))
    rows = (
        [name, str(int((first.labels == place).sum())), *(_within(one.by_class[place], one.intervals[place]) for one in judged.values())]
        for place, name in enumerate(first.names)
    )
    return table([head, "in the set", *judged], rows)
