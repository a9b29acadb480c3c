"""An analysis on the screen: the table of utterances and the lines below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.consoles import plain_table
from cli.wording import NO_UTTERANCES, clock, printable, score
from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis

#: Colours repeat what the words say.
_STYLES = {"negative": "red", "neutral": "default", "positive": "green"}


def show_analysis(console: Console, title: str, analysis: Analysis) -> None:
    """Print an analysis: a line for each utterance, then a summary."""
    console.print(Text(printable(title), style="bold"))
    if analysis.utterances:
        console.print(_table(analysis))
    for line in summary(analysis):
        console.print(Text(line), soft_wrap=True)


def _table(analysis: Analysis) -> Table:
    table = plain_table("time", "emotion", "sentiment", "words")
    for utterance in analysis.utterances:
        scores = utterance.scores
        table.add_row(
            f"{clock(utterance.start)} – {clock(utterance.end)}",
            score(scores.emotion, getattr(scores.emotions, scores.emotion)) + (", unsure" if utterance.uncertain else ""),
            Text(score(scores.sentiment, getattr(scores.sentiments, scores.sentiment)), style=_STYLES[scores.sentiment]),
            Text(printable(utterance.text)),
        )
    return table


def summary(analysis: Analysis) -> list[str]:
    """What an analysis says in a few lines."""
    if analysis.reason is not None:
        lines = [NO_UTTERANCES[analysis.reason]]
    else:
        emotions = _counted((utterance.scores.emotion for utterance in analysis.utterances), EMOTIONS)
        sentiments = _counted((utterance.scores.sentiment for utterance in analysis.utterances), SENTIMENTS)
        amount = len(analysis.utterances)
        lines = [f"{amount} utterance{'' if amount == 1 else 's'} in {clock(analysis.media_seconds)}: {emotions}; {sentiments}."]
    lines += [
        f"Not read: from {clock(gap.start)} to {clock(gap.end) if gap.end is not None else 'the end'}, {gap.reason}."
        for gap in analysis.gaps
    ]
    models = ", ".join(f"{model.role} by {model.name} ({model.sha256[:8]})" for model in analysis.models)
    lines.append(f"Analysed in {analysis.compute_seconds:.1f} s: {models}." if models else f"Analysed in {analysis.compute_seconds:.1f} s.")
    return [printable(line) for line in lines]


def _counted(labels: Iterable[str], order: tuple[str, ...]) -> str:
    counts = Counter(labels)
    return ", ".join(f"{counts[name]} {name}" for name in sorted(order, key=lambda name: -counts[name]) if counts[name])
