"""The pictures of the card: confusion, reliability, risk and coverage. The same scores give the same bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.training.text.measures import reliability, risk_coverage
from model.training.text.scores import HeadScores, SetScores

#: Of a handful of answers a share says nothing; and more points than these nobody sees.
_FEWEST, _POINTS = 20, 150
_INK, _LIGHT = "#1f3a5f", "#c8553d"


def draw(scores: SetScores, certain_from: float, folder: Path) -> dict[str, str]:
    """Write the pictures into `folder`; their file names with what they show, in words."""
    folder.mkdir(parents=True, exist_ok=True)
    shown: dict[str, str] = {}
    for head in next(iter(scores.values())):
        judged = {form: heads[head] for form, heads in scores.items()}
        shown |= _keep(folder, f"{head}-confusion.svg", _confusion(judged["as written"]), f"Which {head} is taken for which, as written")
        shown |= _keep(folder, f"{head}-reliability.svg", _reliability(judged), f"How often the {head} is right at each confidence")
    emotions = {form: heads["emotion"] for form, heads in scores.items()}
    words = "How many emotions are wrong when only the most confident answers are kept"
    return shown | _keep(folder, "risk-coverage.svg", _risk(emotions, certain_from), words)


def _keep(folder: Path, name: str, figure: Figure, shows: str) -> dict[str, str]:
    # Without a date and with fixed names inside, or every run would differ.
    with mpl.rc_context({"svg.hashsalt": "valence", "svg.fonttype": "none"}):
        figure.savefig(folder / name, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    path = folder / name
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")
    return {name: shows}


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _confusion(judged: HeadScores) -> Figure:
    size = 1.6 + 0.6 * len(judged.names)
    figure, axes = _axes(size, size)
    shares = judged.confusion / np.maximum(judged.confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(judged.names)), judged.names, rotation=45, ha="right")
    axes.set_yticks(range(len(judged.names)), judged.names)
    axes.set_xlabel("what the model says, % of the row")
    axes.set_ylabel("label")
    return figure


def _reliability(judged: dict[str, HeadScores]) -> Figure:
    figure, axes = _axes(4.2, 4.2)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=":")
    for (form, one), (colour, mark) in zip(judged.items(), _LOOKS, strict=True):
        confidence, right, _ = reliability(one.probabilities, one.labels)
        axes.plot(confidence, right, color=colour, marker=mark, markersize=4, linewidth=1, label=form)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    return figure


def _risk(judged: dict[str, HeadScores], certain_from: float) -> Figure:
    figure, axes = _axes(5.2, 3.6)
    for (form, one), (colour, mark) in zip(judged.items(), _LOOKS, strict=True):
        confidence, coverage, risk = risk_coverage(one.probabilities, one.labels)
        drawn = np.linspace(_FEWEST, len(risk) - 1, _POINTS).astype(int)
        axes.plot(coverage[drawn], risk[drawn], color=colour, linewidth=1, label=form)
        at = int((confidence >= certain_from).sum()) - 1
        axes.plot(coverage[at], risk[at], color=colour, marker=mark, markersize=6)
    axes.set(xlabel="share that is kept", ylabel="share of it that is wrong", xlim=(0, 1), ylim=(0, 0.6))
    axes.legend(frameon=False, fontsize=8, title="marks: kept when certain", title_fontsize=8)
    return figure


_LOOKS = ((_INK, "o"), (_LIGHT, "s"), ("#6b8e23", "^"))
