"""Names of the files in an archive: those of strangers' videos, made safe for every system and different from each other."""

from __future__ import annotations

import re
import unicodedata

#: Longer names are cut: with an ending and a number they stay below the 255 bytes that file systems take.
_MOST_BYTES = 180
#: What no system, or not every one, takes in a name.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_ENDING = re.compile(r"\.\w{1,5}$")
#: Names of devices: Windows takes them with any ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_UNNAMED = "unnamed"


class ArchiveNames:
    """Gives out names, none twice, however the case of their letters is taken."""

    def __init__(self, taken: str) -> None:
        self._taken = {taken.casefold()}

    def stem(self, file_name: str | None) -> str:
        """The name for the files that are about a video, without an ending."""
        safe = safe_stem(file_name)
        name, number = safe, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{safe} ({number})"
        self._taken.add(name.casefold())
        return name


def safe_stem(file_name: str | None) -> str:
    """A file's name without its ending and without anything that leads elsewhere, hides something, or is refused somewhere."""
    text = unicodedata.normalize("NFC", file_name or "")
    visible = "".join(character for character in text if unicodedata.category(character)[0] != "C")
    stem = _ENDING.sub("", _FORBIDDEN.sub("_", visible))
    cut = stem.encode()[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    return f"_{cut}" if _DEVICES.match(cut) else cut or _UNNAMED
