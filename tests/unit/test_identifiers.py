"""Which texts are ids."""

from __future__ import annotations

from uuid import UUID

import pytest

from runtime.identifiers import canonical

ID = UUID("01111111-1111-7111-8111-111111111111")


@pytest.mark.parametrize("text", [str(ID), str(ID).upper()])
def test_an_id_is_what_it_says(text: str) -> None:
    assert canonical(text) == ID


@pytest.mark.parametrize("text", [f"\n{ID.hex[1:]}", f"{{{ID}}}", f"urn:uuid:{ID}", ID.hex, "x", ""], ids=repr)
def test_no_other_writing_of_it_gets_into_headers_and_file_names(text: str) -> None:
    assert canonical(text) is None
