"""How far a consumer group is behind, from the broker's side: a failed commit can look committed to the client that made it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kafka import TopicPartition
from kafka.errors import KafkaError

from runtime import metrics
from runtime.kafka import connection, open_consumer

#: How often a process tells how far behind its group is.
REPORT_SECONDS = 15.0


class LagGauge:
    """A connection that asks the broker for a group's committed offsets and the ends of its topics."""

    def __init__(self, bootstrap_servers: str, group: str, topics: Sequence[str]) -> None:
        self._consumer = open_consumer(**connection(bootstrap_servers), group_id=group, enable_auto_commit=False)
        self._topics = topics

    def measure(self) -> dict[str, int]:
        """Records not committed yet, by topic; a group that has never committed counts from the beginning."""
        lag = {}
        for topic in self._topics:
            partitions = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]
            begins, ends = self._consumer.beginning_offsets(partitions), self._consumer.end_offsets(partitions)
            committed = {partition: self._consumer.committed(partition) for partition in partitions}
            lag[topic] = sum(ends[p] - (begins[p] if committed[p] is None else committed[p]) for p in partitions)
        return lag

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close(autocommit=False)


async def report_lag(bootstrap_servers: str, group: str, topics: Sequence[str]) -> None:
    """Keep the lag metric of a group up to date, for ever; while the broker is away it keeps its last value. Other errors pass."""
    gauge: LagGauge | None = None
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        try:
            if gauge is None:
                gauge = await asyncio.to_thread(LagGauge, bootstrap_servers, group, topics)
            lag = await asyncio.to_thread(gauge.measure)
            for topic, records in lag.items():
                metrics.CONSUMER_LAG.labels(group, topic).set(records)
        except KafkaError:
            failed, gauge = gauge, None  # the broker is away, which /readyz tells: connect anew
            if failed is not None:
                await asyncio.to_thread(failed.close)
