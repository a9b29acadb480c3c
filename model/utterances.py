"""From words to utterances: a new one begins after a pause, and a long one is cut at its longest pause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from schemas.analysis import Word

#: A pause of this many seconds ends an utterance.
PAUSE_SECONDS = 0.5
#: An utterance that lasts longer than this is cut.
LONGEST_SECONDS = 15.0
#: An utterance of more words than this is cut.
MOST_WORDS = 40
#: Languages that are written without spaces between words, as ISO 639-1.
_WITHOUT_SPACES = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})


def text_of(words: Sequence[Word], language: str | None) -> str:
    """The words as they are written in their language."""
    return ("" if language in _WITHOUT_SPACES else " ").join(word.text for word in words)


def into_utterances(words: Iterable[Word]) -> Iterator[tuple[Word, ...]]:
    """Group words, which come in order of time, into utterances of at least one word."""
    current: list[Word] = []
    for word in words:
        if current and word.start - current[-1].end >= PAUSE_SECONDS:
            yield from _cut(current)
            current = []
        current.append(word)
    if current:
        yield from _cut(current)


def _cut(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    if len(words) == 1 or (len(words) <= MOST_WORDS and words[-1].end - words[0].start <= LONGEST_SECONDS):
        yield tuple(words)
        return
    # The longest pause; among equal ones the one nearest to the middle, so that a cut never peels single words off.
    middle = len(words) / 2
    place = max(range(1, len(words)), key=lambda n: (round(words[n].start - words[n - 1].end, 2), -abs(n - middle)))
    yield from _cut(words[:place])
    yield from _cut(words[place:])
