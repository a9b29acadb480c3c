"""The forms in which an analysis is given."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The forms of an analysis that are text for other programs."""

    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    CSV = "csv"
    EAF = "eaf"
