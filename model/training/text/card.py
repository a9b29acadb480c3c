"""The model card, as the scoring command writes it: what the model is, how good it is, where it fails, what it is not for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.text import WEIGHTS_FILE, TextModel
from model.training.text.measures import risk_coverage
from model.training.text.pictures import draw
from model.training.text.scores import SetScores
from model.training.text.speed import speed_and_memory
from model.training.text.spoken import Spoken
from model.training.text.tables import by_class, overview, percent, table

CARD = Path("docs/model-card.md")
_PICTURES = Path("docs/model-card")
#: Below this F1 a class is called weak.
_WEAK = 0.35
_TEMPLATE = Path(__file__).with_name("card.md")


_HEARD = """\
{lines} lines of the test split, {dialogues} whole dialogues chosen by lot, spoken by two synthetic voices (flite) and written down
by pocketsphinx. {word_error} % of the words are wrong, and of {unheard} lines no word was understood. The same lines as written and
as recognised stand above them. **A synthetic voice has no feeling**: this shows what a recogniser's errors cost, and nothing
of how people speak when they feel something. With lines as few as these the intervals are wide, and the calibration error is
mostly chance.

{overview}"""
#: In place of the section where nothing could be spoken.
_SILENT = "Left out when this card was made: it needs an ffmpeg with flite, such as Debian's, and none was found.\n"


class Simple(NamedTuple):
    """Weighted F1 of the emotion, in 0..1, that is reached without a network."""

    most_frequent: float
    weighed_words: float


def write(root: Path, model: TextModel, scores: SetScores, simple: Simple, spoken: Spoken | None, training: str) -> str:
    """Write the card and its pictures into the repository at `root`; the card.

    `simple` stands beside the figures that others published, `spoken` is None where nothing could be spoken, `training` is what the
    training command printed last.
    """
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
        most_frequent=percent(simple.most_frequent),
        weighed_words=percent(simple.weighed_words),
        weak=", ".join(weak) or "none by this measure",
        spoken=_SILENT if spoken is None else _spoken(spoken),
        certain_from=percent(model.certain_from),
        certainty=_certainty(scores, model.certain_from),
        speed=speed_and_memory(root, model),
        runs=model.session.get_modelmeta().custom_metadata_map["runs"].replace("-", " "),
        training=training.strip(),
        pictures=pictures,
    )
    (root / CARD).write_text(card, encoding="utf-8")
    return card


def _spoken(spoken: Spoken) -> str:
    return _HEARD.format(
        lines=spoken.lines,
        dialogues=spoken.dialogues,
        word_error=percent(spoken.word_error),
        unheard=spoken.unheard,
        overview=overview(spoken.scores),
    )


def _certainty(scores: SetScores, certain_from: float) -> str:
    rows = []
    for form, heads in scores.items():
        confidence, coverage, risk = risk_coverage(heads["emotion"].probabilities, heads["emotion"].labels)
        kept = int((confidence >= certain_from).sum())
        at = max(kept - 1, 0)
        halves = [risk[int(np.searchsorted(coverage, share))] for share in (0.25, 0.5, 0.75)]
        rows.append([form, percent(coverage[at]), percent(1 - risk[at]), percent(1 - risk[-1]), *(percent(1 - value) for value in halves)])
    return table(("text", "kept", "right of those", "right of all", "right of the surest 25 %", "50 %", "75 %"), rows)
