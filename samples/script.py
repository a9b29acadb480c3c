"""What is said in a sample clip, by whom, when and in which mood."""

from __future__ import annotations

from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
#: The clip of the demo.
DIALOGUE = FOLDER / "dialogue.mp4"
#: A second clip with other words, so that a test can tell a recogniser from a recital.
ERRAND = FOLDER / "errand.mp4"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the flite voice that speaks it, the mood it was written in, its start and end in seconds of the clip."""

    voice: str
    mood: str
    text: str
    start: float = 0.0
    end: float = 0.0


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a clip in order."""

    title: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that is said, in one string."""
        return " ".join(line.text for line in self.lines)


def script_file(clip: Path) -> Path:
    """Where the script of a clip lies: beside it, as JSON."""
    return clip.with_suffix(".json")


def read_script(clip: Path) -> Script:
    """The script of a sample clip."""
    return msgspec.json.decode(script_file(clip).read_bytes(), type=Script)
