"""What becomes of a producer that has failed: it is let go of with what it had under way, and the next one begins anew."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from kafka.errors import KafkaTimeoutError

from runtime import kafka
from runtime.errors import DependencyUnavailable
from runtime.kafka import KafkaPublisher
from schemas.codec import Record

RECORD = Record("topic", b"key", b"value", [])


async def test_a_broker_that_hangs_with_records_under_way_is_away_and_the_producer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, working = Mock(), Mock()
    hanging.send.return_value.get.side_effect = KafkaTimeoutError("no acknowledgement")
    hanging.close.side_effect = KafkaTimeoutError("records are under way")
    monkeypatch.setattr(kafka, "_opened", Mock(side_effect=[hanging, working]))
    publisher = KafkaPublisher("unused")
    with pytest.raises(DependencyUnavailable, match="no acknowledgement"):
        await publisher.publish([RECORD])
    hanging._sender.force_close.assert_called_once_with()
    await publisher.publish([RECORD])
    working.send.assert_called_once_with("topic", key=b"key", value=b"value", headers=[])
