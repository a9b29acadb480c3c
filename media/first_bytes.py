"""What the first bytes of an upload say it is, before anything parses it."""

from __future__ import annotations

import re

#: How much is looked at.
LENGTH = 512

_FORM = re.compile(rb"\A(?:\r\n)?--[^\r\n]{1,200}\r?\nContent-Disposition: *form-data", re.IGNORECASE)
#: Where a format's signature stands, and the signature.
_SIGNATURES = (
    (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, (b"\x1aE\xdf\xa3", b"RIFF", b"OggS", b"FLV\x01", b"fLaC", b"ID3", b"\x30\x26\xb2\x75", b"FORM", b"caff", b"#!AMR", b"\0\0\1\xba")),
)
#: MP3 without a tag, and AAC.
_BARE_SOUND = frozenset((b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9"))


def is_form_data(head: bytes) -> bool:
    """Whether a browser's form was uploaded instead of the file inside it."""
    return _FORM.match(head) is not None


def is_known_media(head: bytes) -> bool:
    """Whether the file starts as video or sound does; a file that does and does not open is broken rather than something else."""
    if any(head[at : at + len(mark)] == mark for at, marks in _SIGNATURES for mark in marks):
        return True
    transport_stream = len(head) > 188 and head[0] == head[188] == 0x47
    return transport_stream or head[:2] in _BARE_SOUND
