"""How a dead letter is shown, whatever strangers have put into it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cli import dead_letters

LETTER = {
    "topic": "uploads.received.v1",
    "kafka_partition": 0,
    "kafka_offset": 1,
    "stage": "validate",
    "reason": "payload",
    "error": "none",
    "dead_lettered_at": datetime.now(UTC),
    "redriven_at": None,
    "record_key": b"key",
    "record_value": b"value",
    "header_names": ["ce_type", "n" * 900_000],
    "header_values": [b"upload.received.v1", b"endless"],
}


def test_a_header_with_an_endless_name_leaves_the_others_where_they_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "ask", lambda data, call: LETTER)
    shown = CliRunner().invoke(dead_letters.dead_letters, ["show", "1"]).output.splitlines()
    assert "header ce_type  upload.received.v1" in shown
    assert [line[-10:] for line in shown if len(line) > 80] == ["n  endless"]
