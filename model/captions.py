"""Words from captions: a sidecar's text, a track's cues, and the times of the words in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

import msgspec

from media.decoded import Cue, Decoded
from schemas.analysis import Gap, Word

_TIMES = re.compile(r"(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,](\d{3})[ \t]*-->[ \t]*(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,](\d{3})")
_MARKUP = re.compile(r"<[^>]*>|\{[^}]*\}")
#: What captions say of sounds rather than of words: [applause], (SIGHS), notes.
_NOT_SPOKEN = re.compile(r"\[[^\]]*\]|\([A-Z][A-Z ,'-]*\)|♪")
#: How much longer than the sound captions may be shown: the last one often stays until the picture ends.
_SLACK_SECONDS = 5.0
_SPEAKER_DASH = re.compile(r"^\s*[-–—]\s*", re.MULTILINE)


def parse_sidecar(text: str) -> tuple[Cue, ...]:
    """The cues of a SubRip or WebVTT file, in order of time; blocks without a line of times are passed over, as players do."""
    cues = []
    for block in re.split(r"\n[ \t]*\n", re.sub(r"\r\n?", "\n", text.lstrip("﻿"))):
        found = _TIMES.search(block)
        if found:
            fields = [int(field or 0) for field in found.groups()]
            _, _, said = block[found.end() :].partition("\n")  # the rest of the line of times is WebVTT's settings
            cues.append(Cue(start=_seconds(fields[:4]), end=_seconds(fields[4:]), text=html.unescape(_MARKUP.sub("", said)).strip()))
    return tuple(sorted(cues, key=lambda cue: cue.start))


def _seconds(fields: list[int]) -> float:
    hours, minutes, seconds, milliseconds = fields
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def spoken_text(cue: Cue) -> str:
    """What is said in a cue, on one line, without the description of sounds."""
    return " ".join(_NOT_SPOKEN.sub(" ", _SPEAKER_DASH.sub("", cue.text)).split())


def words_of(cue: Cue) -> tuple[Word, ...]:
    """The words of a cue, its time shared out by their length; nobody measured them, so there is no confidence."""
    words = spoken_text(cue).split()
    seconds = max(0.0, cue.end - cue.start)
    total = sum(map(len, words))
    timed, before = [], 0
    for word in words:
        start, end = (cue.start + seconds * place / total for place in (before, before + len(word)))
        timed.append(Word(text=word, start=round(start, 3), end=round(end, 3)))
        before += len(word)
    return tuple(timed)


def into_utterances(cues: Iterable[Cue]) -> Iterator[tuple[Word, ...]]:
    """One utterance a cue; cues in which nothing is said are left out."""
    for cue in cues:
        if words := words_of(cue):
            yield words


def compared(decoded: Decoded, utterances: Iterable[tuple[Word, ...]]) -> Decoded:
    """What was decoded, with a gap where captions go on after the sound has ended: they may be another video's."""
    last = max(words[-1].end for words in utterances)
    if not decoded.has_sound or last <= decoded.sound_seconds + _SLACK_SECONDS:
        return decoded
    gap = Gap(start=decoded.sound_seconds, end=last, reason="the captions go on here, and the sound has ended")
    return msgspec.structs.replace(decoded, gaps=(*decoded.gaps, gap))
