"""Two versions beside each other: what each says of the same utterance, and which utterances of two archives are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cli.exits import Misused
from cli.kept_analyses import KeptAnalysis, KeptUtterance
from model.text import TextModel
from model.text_tokens import Turn
from schemas.analysis import EMOTIONS, SENTIMENTS


class Opinion(NamedTuple):
    """What a version says of an utterance: the most probable emotion with its probability, and the most probable sentiment."""

    emotion: str
    probability: float
    sentiment: str


class Compared(NamedTuple):
    """An utterance: the analysis it is in, its start in seconds, its words, its label where it has one, and what both versions say."""

    name: str
    start: float
    words: str
    label: str | None
    before: Opinion
    after: Opinion


def by_model(model: TextModel, said: Sequence[Turn]) -> list[Opinion]:
    """What a text model says."""
    emotions, sentiments = model.probabilities(said)
    return [
        Opinion(EMOTIONS[emotion.argmax()], float(emotion.max()), SENTIMENTS[sentiment.argmax()])
        for emotion, sentiment in zip(emotions, sentiments, strict=True)
    ]


def by_archive(analysis: KeptAnalysis) -> list[Opinion]:
    """What was said when the analysis was made; Misused where that was not kept."""
    return [_kept(analysis, utterance) for utterance in analysis.utterances]


def _kept(analysis: KeptAnalysis, utterance: KeptUtterance) -> Opinion:
    scores = utterance.scores
    if scores is None:
        raise Misused(f"{analysis.name} has no scores for {utterance.text[:80]!r}: only the words were kept, so it cannot be A or B")
    return Opinion(scores.emotion, getattr(scores.emotions, scores.emotion), scores.sentiment)


def both_archives(before: Sequence[KeptAnalysis], after: Sequence[KeptAnalysis]) -> list[Compared]:
    """What two archives say of the utterances that both have, in the analyses of the same name; the words are those of `after`."""
    olds = {analysis.name: analysis for analysis in before}
    compared = []
    for new in after:
        old = olds.get(new.name)
        if old is None:
            continue
        said_before, said_after = by_archive(old), by_archive(new)
        for one, other in _same(old.utterances, new.utterances):
            utterance = new.utterances[other]
            compared.append(Compared(new.name, utterance.start, utterance.text, None, said_before[one], said_after[other]))
    return compared


def _same(old: Sequence[KeptUtterance], new: Sequence[KeptUtterance]) -> Iterator[tuple[int, int]]:
    """The places of utterances that share more than half of the time of each of them; a version may cut speech elsewhere."""
    first = 0
    for place, utterance in enumerate(new):
        while first < len(old) and old[first].end <= utterance.start:
            first += 1
        for other in range(first, len(old)):
            if old[other].start >= utterance.end:
                break
            shared = min(old[other].end, utterance.end) - max(old[other].start, utterance.start)
            if 2 * shared > max(old[other].end - old[other].start, utterance.end - utterance.start):
                yield other, place
                break
