"""Analyses in which a test's own words are said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from runtime.database import Database
from schemas.analysis import EMOTIONS, SENTIMENTS

#: What is said: the emotion, the words, how many seconds they take, and whether the model is unsure.
Said = tuple[str, str, float] | tuple[str, str, float, bool]
Keep = Callable[..., Awaitable[str]]


def document(*said: Said) -> dict[str, Any]:
    """An analysis in which this is said, one after the other."""
    utterances, start = [], 0.0
    for emotion, text, seconds, *unsure in said:
        sentiment = "positive" if emotion == "joy" else "neutral" if emotion == "neutral" else "negative"
        scores = {
            "emotions": {name: 0.7 if name == emotion else 0.05 for name in EMOTIONS},
            "sentiments": {name: 0.8 if name == sentiment else 0.1 for name in SENTIMENTS},
        }
        one = {"start": start, "end": start + seconds, "text": text, "words": [], "scores": scores, "uncertain": unsure == [True]}
        utterances.append(one)
        start += seconds
    return {"profile": "p", "media_seconds": start, "compute_seconds": 1, "models": [], "modalities": ["text"], "utterances": utterances}


async def add(database: Database, upload_id: UUID | str, attempt: int, analysis: dict[str, Any]) -> None:
    """Keep the analysis of an upload's attempt, as the chain does."""
    await database.rows(
        "keep_analysis", upload_id=upload_id, attempt=attempt, document=Jsonb(analysis), media_seconds=1.0, compute_seconds=1.0
    )
