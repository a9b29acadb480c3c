"""The reference pages say what the code says."""

from __future__ import annotations

from runtime import reference


def test_the_pages_that_are_made_from_the_code_are_up_to_date() -> None:
    for path, content in reference.pages().items():
        assert path.read_text() == content, f"{path.name} is old: run `python -m runtime.reference`"
