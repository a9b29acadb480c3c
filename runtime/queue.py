"""The SQS queue that the endpoint's notices come by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from runtime import aws
from runtime.errors import DependencyUnavailable

#: The most that one SQS call takes or gives.
BATCH = 10


class Message(NamedTuple):
    """A message and the receipt that deletes it."""

    body: str
    receipt: str


class Queue(Protocol):
    """At-least-once and unordered. Every method raises DependencyUnavailable while SQS is away."""

    async def receive(self, wait_seconds: int) -> list[Message]:
        """Up to ten messages, as soon as there is one, at the latest after `wait_seconds`; each comes again unless it is deleted."""

    async def delete(self, messages: Sequence[Message]) -> None:
        """Forget messages that have been dealt with."""

    async def send(self, *bodies: str) -> None:
        """Put messages on the queue; they are durable when this returns. After DependencyUnavailable some of them may be."""


class SqsQueue:
    """Queue on a real SQS server, by boto3."""

    def __init__(self, name: str) -> None:
        self._client: Any = aws.client("sqs")
        self._threads = aws.Threads("sqs", 8)
        self._name = name
        self._found: str | None = None

    async def receive(self, wait_seconds: int) -> list[Message]:
        answer = await self._call("receive_message", MaxNumberOfMessages=BATCH, WaitTimeSeconds=wait_seconds)
        return [Message(message["Body"], message["ReceiptHandle"]) for message in answer.get("Messages", ())]

    async def delete(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), BATCH):
            entries = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages[start : start + BATCH])]
            await self._call("delete_message_batch", Entries=entries)

    async def send(self, *bodies: str) -> None:
        for start in range(0, len(bodies), BATCH):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + BATCH])]
            answer = await self._call("send_message_batch", Entries=entries)
            if refused := answer.get("Failed"):
                raise DependencyUnavailable("sqs", refused[0].get("Message", refused[0]["Code"]))

    async def _call(self, operation: str, **parameters: Any) -> Any:
        def call() -> Any:
            with aws.availability("sqs"):
                if self._found is None:
                    self._found = self._client.get_queue_url(QueueName=self._name)["QueueUrl"]
                return getattr(self._client, operation)(QueueUrl=self._found, **parameters)

        return await self._threads.run(call)
