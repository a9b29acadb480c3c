"""The model card: what the weights are, what they were made of, how good they are, where they fail."""

from __future__ import annotations

from model.text import WEIGHTS_FILE, TextModel
from model.training.score import HeadScores, ScoredSet

_HEAD = """\
# {name}

Seven emotions and three sentiments of one English utterance, from its words alone: logistic regression over hashed word
and character n-grams, with one temperature a head. Written by `python -m model.training`; do not edit.

- weights: `{file}`, SHA-256 `{sha256}`
- trained on MELD's training split (GPL-3.0; dialogue of a television series), as written and as a recogniser would write
  it, and on the training split of GoEmotions in Ekman's groups (Google, CC BY 4.0; comments from Reddit)
- dev fitted the temperatures and chose the settings; the scores are on MELD's test split, recomputed from the weights

| MELD test | head | weighted F1 | macro F1 | calibration error |
|---|---|---|---|---|
"""
_FOOT = """
Disgust and fear are barely usable; joy, neutral and surprise are the best read. Someone who is ironic, quotes somebody or
says little is misread. Whoever decides about people must not do it by these numbers.
"""


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _row(set_name: str, head_name: str, head: HeadScores) -> str:
    cells = (set_name, head_name, *map(_percent, (head.weighted_f1, head.macro_f1, head.calibration_error)))
    return f"| {' | '.join(cells)} |\n"


def render(model: TextModel, sets: tuple[ScoredSet, ...]) -> str:
    """The card as Markdown; all figures in %."""
    text = _HEAD.format(name=model.ref.name, sha256=model.ref.sha256, file=WEIGHTS_FILE)
    for scored in sets:
        text += _row(scored.name, "emotion", scored.emotion) + _row(scored.name, "sentiment", scored.sentiment)
    for scored in sets:
        for head_name, head in (("emotion", scored.emotion), ("sentiment", scored.sentiment)):
            classes = ", ".join(f"{name} {_percent(value)}" for name, value in head.class_f1.items())
            text += f"\nF1 by {head_name}, {scored.name}: {classes}.\n"
    return text + _FOOT
