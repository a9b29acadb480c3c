"""Caption tracks: their cues as plain text with times, stripped of markup and of what a database or a page must not get."""

from __future__ import annotations

import re

from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from media.decoded import Cue

#: Cues of a track that are read, and characters of a cue: two hours of speech have some 3,000 of 80.
MOST_CUES = 20_000
LONGEST_CUE = 500

_OVERRIDE = re.compile(r"\{[^}]*\}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Captions:
    """The cues of one track, as they are demuxed."""

    def __init__(self, stream: SubtitleStream, video_start: float) -> None:
        self.stream = stream
        self.cues: list[Cue] = []
        self._video_start = video_start

    def add(self, packet: Packet[Stream], rect: AssSubtitle) -> None:
        """Keep one text of a packet, shown as long as the packet is; empty ones say that nothing is shown."""
        if packet.pts is None or len(self.cues) >= MOST_CUES:
            return
        start = max(0.0, float(packet.pts * packet.time_base) - self._video_start)
        seconds = max(0.0, float((packet.duration or 0) * packet.time_base))
        text = plain_text(rect.ass)
        if text:
            self.cues.append(Cue(start=start, end=start + seconds, text=text))


def plain_text(ass: bytes) -> str:
    """The spoken text of a caption as FFmpeg hands it over: eight fields, then text with line breaks and {overrides}."""
    text = ass.decode("utf-8", "replace").split(",", 8)[-1]
    text = _OVERRIDE.sub("", text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    return _CONTROL.sub(" ", text).strip()[:LONGEST_CUE]
