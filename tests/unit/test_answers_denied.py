"""Where S3 denies one answer, the others are found and told all the same."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from producers import endings
from producers.reconciler import Reconciler
from runtime.errors import AccessDenied
from runtime.settings import Inference
from runtime.storage import ObjectInfo
from runtime.testing import MemoryBroker, MemoryStorage
from schemas import topics


class Forbidding(MemoryStorage):
    """Storage that denies what lies below `denied/`, there or not."""

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        self._allow(key)
        return await super().head(bucket, key)

    async def get(self, bucket: str, key: str, most: int) -> bytes:
        self._allow(key)
        return await super().get(bucket, key, most)

    def _allow(self, key: str) -> None:
        if key.startswith("denied/"):
            raise AccessDenied("s3", "AccessDenied: the role needs s3:ListBucket")


class Due:
    """The database of two invocations that are due: S3 denies the answer of the first."""

    def __init__(self) -> None:
        self.ids = [uuid4(), uuid4()]
        self.finished: list[Any] = []

    async def rows(self, query: str, **given: Any) -> list[dict[str, Any]]:
        if query == "finish_invocations":
            self.finished = given["upload_ids"]
            return []
        places = ("denied/1.out", "answers/2.out")
        same = {"attempt": 1, "failure_location": None, "traceparent": None, "age": 120.0}
        return [{"upload_id": id, "output_location": f"s3://b/{key}", **same} for id, key in zip(self.ids, places, strict=True)]


async def test_an_answer_that_s3_denies_keeps_the_reconciler_from_no_other() -> None:
    storage, broker, database = Forbidding(), MemoryBroker(), Due()
    await storage.put("b", "answers/2.out", b"{}", "application/json")
    assert await Reconciler(Inference(), database, storage, broker).look() == 1  # type: ignore[arg-type]  # two of its queries are enough
    assert [record.key for record in broker.topics[topics.INFERENCE_COMPLETED.name]] == [str(database.ids[1]).encode()]
    assert database.finished == [database.ids[1]]


async def test_a_failure_whose_words_s3_denies_is_told_with_sagemakers_reason() -> None:
    event = await endings.failed(Forbidding(), uuid4(), 1, "s3://b/denied/1-error.out", "ModelError")
    assert (event.failure.code, event.failure.retryable) == ("inference_error", True)
    assert "ModelError" in event.failure.message
