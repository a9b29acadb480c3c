"""From words to utterances: one ends with its sentence or with a pause, and a long one is cut at its longest pause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from schemas.analysis import Word

#: A pause of this many seconds ends an utterance where the recogniser writes no full stops.
PAUSE_SECONDS = 0.5
#: A pause of this many seconds ends one even in the middle of a sentence.
PAUSE_IN_SENTENCE_SECONDS = 1.5
#: An utterance that lasts longer than this is cut.
LONGEST_SECONDS = 15.0
#: An utterance of more words than this is cut.
MOST_WORDS = 40
#: Languages that are written without spaces between words, as ISO 639-1.
WITHOUT_SPACES = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})

#: A mark at the end of a sentence, and quotes or brackets that close after it.
_STOP = re.compile(r"[.!?…。！？｡]['\"”’»)\]]*$")
_ABBREVIATION = re.compile(r"(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|[A-HJ-Z](?:\.[A-Z])*)\.")


def text_of(words: Sequence[Word], language: str | None) -> str:
    """The words as they are written in their language."""
    return ("" if language in WITHOUT_SPACES else " ").join(word.text for word in words)


def into_utterances(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """Group words, which come in order of time, into utterances of at least one word."""
    punctuated = any(_STOP.search(word.text) for word in words)
    pause = PAUSE_IN_SENTENCE_SECONDS if punctuated else PAUSE_SECONDS
    current: list[Word] = []
    for word in words:
        if current and (word.start - current[-1].end >= pause or _is_sentence_end(current[-1].text, word.text)):
            yield from _cut(current)
            current = []
        current.append(word)
    if current:
        yield from _cut(current)


def _is_sentence_end(word: str, following: str) -> bool:
    """Whether a sentence ends between two words: not after Dr. or J., nor where it goes on in lower case, as after three dots."""
    return bool(_STOP.search(word)) and not _ABBREVIATION.fullmatch(word) and not following[:1].islower()


def _cut(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    if len(words) == 1 or (len(words) <= MOST_WORDS and words[-1].end - words[0].start <= LONGEST_SECONDS):
        yield tuple(words)
        return
    # The longest pause; among equal ones the one nearest to the middle, so that a cut never peels single words off.
    middle = len(words) / 2
    place = max(range(1, len(words)), key=lambda n: (round(words[n].start - words[n - 1].end, 2), -abs(n - middle)))
    yield from _cut(words[:place])
    yield from _cut(words[place:])
