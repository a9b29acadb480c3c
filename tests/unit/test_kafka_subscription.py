"""A rebalance that kafka-python would forget is finished."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runtime import kafka
from runtime.kafka import KafkaSubscription


class _Coordinator:
    """kafka-python's, after a poll whose wait has ended in the middle of a rebalance, or of none."""

    def __init__(self, rejoining: bool) -> None:
        self.rejoining = rejoining
        self.asked: list[str] = []

    def request_rejoin(self) -> None:
        self.asked.append("rejoin")

    def ensure_active_group(self, timeout_ms: int) -> None:
        assert timeout_ms > 0
        self.asked.append("join")


@pytest.mark.parametrize(("rejoining", "asked"), [(True, ["rejoin", "join"]), (False, [])])
async def test_a_rebalance_in_the_middle_of_which_a_poll_ends_is_finished(
    monkeypatch: pytest.MonkeyPatch, rejoining: bool, asked: list[str]
) -> None:
    coordinator = _Coordinator(rejoining)
    client = SimpleNamespace(connected=lambda node: True, cluster=SimpleNamespace(brokers=lambda: [SimpleNamespace(node_id=1)]))

    def open_one(*topics: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(poll=lambda **_: {}, _client=client, _coordinator=coordinator)

    monkeypatch.setattr(kafka, "open_consumer", open_one)
    assert await KafkaSubscription("nowhere:9", "group", ["topic"], 0).poll(1, 1) == []
    assert coordinator.asked == asked
