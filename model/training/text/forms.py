"""The forms in which the model is taught and judged: as written, as a recogniser would write it, and with nothing before it."""

from __future__ import annotations

from dataclasses import replace

from model.plain_text import as_recognised
from model.training.text.data import Line


def written(line: Line) -> Line:
    """The utterance as it stands."""
    return line


def recognised(line: Line) -> Line:
    """The same utterance as a recogniser would have written it, with what was before it."""
    return replace(line, text=as_recognised(line.text), before=tuple(map(as_recognised, line.before)))


def alone(line: Line) -> Line:
    """The same utterance, without what was before it."""
    return replace(line, before=())


#: By the names that tables give them.
FORMS = {"as written": written, "as recognised": recognised, "as written, alone": alone}
