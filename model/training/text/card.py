"""The model card, as the scoring command writes it: what the model is, how good it is, where it fails, what it is not for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.text import WEIGHTS_FILE, TextModel
from model.training.text.measures import risk_coverage
from model.training.text.pictures import draw
from model.training.text.scores import SetScores
from model.training.text.tables import by_class, overview, percent, table

CARD = Path("docs/model-card.md")
_PICTURES = Path("docs/model-card")
#: Below this F1 a class is called weak.
_WEAK = 0.35
_TEMPLATE = Path(__file__).with_name("card.md")


def write(root: Path, model: TextModel, scores: SetScores, training: str) -> str:
    """Write the card and its pictures into the repository at `root`; the card. `training` is what the training command printed last."""
    shown = draw(scores, model.certain_from, root / _PICTURES)
    pictures = "\n\n".join(f"![{words}](model-card/{name})\n\n*{words}.*" for name, words in shown.items())
    written = scores["as written"]["emotion"]
    weak = [f"{name} ({percent(value)})" for name, value in zip(written.names, written.by_class, strict=True) if value < _WEAK]
    card = _TEMPLATE.read_text(encoding="utf-8").format(
        name=model.ref.name,
        file=WEIGHTS_FILE,
        sha256=model.ref.sha256,
        overview=overview(scores),
        emotions=by_class(scores, "emotion"),
        sentiments=by_class(scores, "sentiment"),
        weak_below=percent(_WEAK),
        weak=", ".join(weak) or "none by this measure",
        certain_from=percent(model.certain_from),
        certainty=_certainty(scores, model.certain_from),
        training=training.strip(),
        pictures=pictures,
    )
    (root / CARD).write_text(card, encoding="utf-8")
    return card


def _certainty(scores: SetScores, certain_from: float) -> str:
    rows = []
    for form, heads in scores.items():
        confidence, coverage, risk = risk_coverage(heads["emotion"].probabilities, heads["emotion"].labels)
        kept = int((confidence >= certain_from).sum())
        at = max(kept - 1, 0)
        halves = [risk[int(np.searchsorted(coverage, share))] for share in (0.25, 0.5, 0.75)]
        rows.append([form, percent(coverage[at]), percent(1 - risk[at]), percent(1 - risk[-1]), *(percent(1 - value) for value in halves)])
    return table(("text", "kept", "right of those", "right of all", "right of the surest 25 %", "50 %", "75 %"), rows)
