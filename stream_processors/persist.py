"""Persist: read the endpoint's answer from S3, check it, and keep it: analysis, usage and event in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from runtime import database, outbox
from runtime.database import Database
from runtime.errors import ObjectMissing, PermanentError
from runtime.storage import ObjectStorage, locate
from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, EmotionScores, SentimentScores
from schemas.events import AnalysisPersisted, AnalysisSummary, Event, InferenceCompleted, InferenceFailed
from schemas.failures import Failure, FailureCode

log = logging.getLogger(__name__)

SOURCE = "/stream-processors/persist"
#: Two hours of speech take some 5 MiB.
MAX_ANSWER_BYTES = 64 * 1024**2

_answers = msgspec.json.Decoder(Analysis)


class InvalidAnswer(Exception):
    """The endpoint's answer is not an analysis document."""


class Persist:
    """The handler of the third stage: `inference.completed` in; `analysis.persisted` goes out through the outbox."""

    def __init__(self, database: Database, storage: ObjectStorage) -> None:
        self._database = database
        self._storage = storage

    async def handle(self, event: InferenceCompleted) -> Sequence[Event]:
        """Keep one answer for each attempt; a repeat changes nothing."""
        try:
            analysis = await self._read(event.output_location)
        except InvalidAnswer as error:
            log.error("the answer is unusable: %s", error)
            failure = Failure(code=FailureCode.INVALID_ANALYSIS, message=f"{error}: try again", retryable=True)
            return [InferenceFailed(upload_id=event.upload_id, attempt=event.attempt, inference_id=event.inference_id, failure=failure)]
        if not await self._keep(event, analysis):
            await self._discard(event)
        return []

    async def _read(self, location: str) -> Analysis:
        try:
            bucket, key = locate(location)
            body = await self._storage.get(bucket, key, MAX_ANSWER_BYTES)
            analysis = _answers.decode(body)
        except (ValueError, RecursionError) as error:  # msgspec.ValidationError and DecodeError are ValueErrors too
            raise InvalidAnswer(f"the endpoint's answer is not an analysis document ({error})") from error
        except ObjectMissing as error:
            raise InvalidAnswer(f"the endpoint's answer is gone ({error})") from error
        except PermanentError as error:
            raise InvalidAnswer(f"the endpoint's answer is too large ({error})") from error
        if rb"\u0000" in body:
            raise InvalidAnswer("the endpoint's answer holds NUL characters, which cannot be stored")
        return analysis

    async def _keep(self, event: InferenceCompleted, analysis: Analysis) -> bool:
        async with self._database.transaction() as connection:
            attempt: dict[str, Any] = {"upload_id": event.upload_id, "attempt": event.attempt}
            kept = await database.row(
                connection,
                "keep_analysis",
                **attempt,
                document=Jsonb(msgspec.to_builtins(analysis)),
                media_seconds=analysis.media_seconds,
                compute_seconds=analysis.compute_seconds,
            )
            if kept is None:
                return False
            persisted = AnalysisPersisted(**attempt, account_id=kept["account_id"], summary=summarise(analysis))
            await outbox.add(connection, persisted, SOURCE)
            return True

    async def _discard(self, event: InferenceCompleted) -> None:
        """Nobody will ask for an answer to an attempt that was cancelled or erased, or has failed: it goes. That of a repeat stays."""
        if await self._database.rows("is_analysed", upload_id=event.upload_id, attempt=event.attempt):
            log.info("nothing to keep: this attempt has its analysis already")
            return
        log.info("discarded: this attempt has ended without an analysis, or the upload was erased")
        await self._storage.delete(*locate(event.output_location))


def summarise(analysis: Analysis) -> AnalysisSummary:
    """An analysis in a few numbers: the mean scores are weighted by how long each utterance is."""
    weights = [max(utterance.end - utterance.start, 0.001) for utterance in analysis.utterances]
    total = sum(weights)

    def mean(kind: str, name: str) -> float:
        scores: list[float] = [getattr(getattr(utterance.scores, kind), name) for utterance in analysis.utterances]
        return min(sum(weight * score for weight, score in zip(weights, scores, strict=True)) / total, 1.0)

    return AnalysisSummary(
        media_seconds=analysis.media_seconds,
        compute_seconds=analysis.compute_seconds,
        utterances=len(analysis.utterances),
        reason=analysis.reason,
        emotions=EmotionScores(**{name: mean("emotions", name) for name in EMOTIONS}) if weights else None,
        sentiments=SentimentScores(**{name: mean("sentiments", name) for name in SENTIMENTS}) if weights else None,
    )
