"""Names of files in an archive: safe wherever it is unpacked."""

from __future__ import annotations

import pytest

from api.archive_names import ArchiveNames, safe_stem


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("talk.mp4", "talk"),
        ("a.b.mp4", "a.b"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Users\\x.mp4", "C__Users_x"),
        ("evil\u202egpj.mp4", "evilgpj"),
        ("line\nbreak\x00.mp4", "linebreak"),
        ("CON.mp4", "_CON"),
        ("com1.x.mp4", "_com1.x"),
        ("  .hidden. .mp4", "hidden"),
        ("...", "unnamed"),
        ("", "unnamed"),
        (None, "unnamed"),
        ("Fu\u0308ße 👣.mp4", "F\u00fcße 👣"),
    ],
)
def test_a_name_is_safe_on_every_system(given: str | None, safe: str) -> None:
    assert safe_stem(given) == safe


def test_a_long_name_is_cut_between_characters() -> None:
    assert safe_stem("ü" * 200) == "ü" * 90


def test_no_name_is_given_twice_whatever_the_case() -> None:
    names = ArchiveNames(taken="manifest")
    assert [names.stem(name) for name in ("a.mp4", "A.mov", "a.mp4", "a (2).mp4", "Manifest.mp4")] == [
        "a",
        "A (2)",
        "a (3)",
        "a (2) (2)",
        "Manifest (2)",
    ]
