"""What is on a topic, read from the broker by nobody's code but kafka-python's."""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition

from runtime.kafka import Received, received
from runtime.settings import Settings
from schemas.topics import Topic


def on_topic(settings: Settings, topic: Topic, words: bytes) -> list[Received]:
    """The records of a topic with these bytes in their values."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Received] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                found += [record for record in map(received, batch) if words in (record.value or b"")]
        return found
    finally:
        consumer.close()
