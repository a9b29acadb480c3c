"""What the tests of SageMaker's notices are made of: notices in their forms, and the producer between in-memory twins."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from producers.sagemaker_notices import Notices
from runtime.health import Readiness
from runtime.testing import MemoryBroker, MemoryQueue, MemoryStorage
from schemas import codec, topics
from schemas.events import InferenceCompleted, InferenceFailed

UPLOAD = UUID("0198c0de-0000-7000-8000-000000000001")
OUTPUT = "s3://valence/inference/output/1.out"
FAILURE = "s3://valence/inference/failure/1-error.out"


class Database:
    """Writes down which invocations have finished; the real queries are tested against the real server."""

    def __init__(self) -> None:
        self.finished: list[tuple[UUID, int]] = []

    async def rows(self, query: str, *, upload_ids: list[UUID], attempts: list[int]) -> list[Any]:
        assert query == "finish_invocations"
        self.finished += zip(upload_ids, attempts, strict=True)
        return []


class Desk:
    """The notices' producer between in-memory twins."""

    def __init__(self) -> None:
        self.queue, self.broker, self.storage, self.database = MemoryQueue(), MemoryBroker(), MemoryStorage(), Database()
        self.notices = Notices(self.queue, self.broker, self.database, self.storage)  # type: ignore[arg-type]

    async def relay(self) -> int:
        """Relay what there is, until there is nothing more."""
        number = await self.notices.relay(Readiness(), 0)
        await self.notices.relay(Readiness(), 0)
        return number

    def events(self, topic: topics.Topic) -> list[Any]:
        records = self.broker.topics[topic.name]
        return [codec.decode(topic, record.key, record.value, record.headers)[1] for record in records]

    @property
    def completed(self) -> list[InferenceCompleted]:
        return self.events(topics.INFERENCE_COMPLETED)

    @property
    def failed(self) -> list[InferenceFailed]:
        return self.events(topics.INFERENCE_FAILED)


def notice(status: str = "Completed", inference_id: str = f"{UPLOAD}.1", **more: Any) -> dict[str, Any]:
    """A notice as SageMaker writes it."""
    where = {"outputLocation": OUTPUT} if status == "Completed" else {"failureLocation": FAILURE}
    return {
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "receivedTime": "2026-01-01T00:00:00.000Z",
        "invocationStatus": status,
        "requestParameters": {"endpointName": "valence", "inputLocation": "s3://valence/jobs/1.json"},
        "responseParameters": {"contentType": "application/json", **where},
        "inferenceId": inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        **more,
    }


def enveloped(content: dict[str, Any]) -> str:
    """The same within SNS's envelope."""
    around = {"Type": "Notification", "MessageId": str(uuid4()), "TopicArn": "arn:aws:sns:us-east-1:1:ok", "Message": json.dumps(content)}
    return json.dumps(around)
