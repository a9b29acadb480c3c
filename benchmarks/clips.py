"""Videos to send: as many as one likes, each with bytes of its own, each a real file that decodes."""

from __future__ import annotations

import struct
from pathlib import Path

_CLIP = Path(__file__).parent.parent / "samples" / "errand.mp4"


def distinct_clip(number: int) -> bytes:
    """The small sample with `number` in a box at its end that players skip: another object to S3, the same work to open."""
    payload = struct.pack(">Q", number)
    return _CLIP.read_bytes() + struct.pack(">I4s", 8 + len(payload), b"free") + payload
