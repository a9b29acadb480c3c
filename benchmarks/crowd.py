"""An account with very many analyses, and others beside it: by COPY, so that it is there in minutes. The triggers that keep what is
searchable run as they do for the chain.

Words are distributed as those of a language are (Zipf): the most frequent is in nearly every video, most are in a few. Lengths go
from one utterance to two hundred, emotions from neutral in most to disgust in few, and one in twenty uploads has not come to a good end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

import msgspec

from runtime.database import Connection, Database
from schemas.analysis import EMOTIONS, SENTIMENTS, Emotion
from schemas.jobs import source_key

#: So many years ago the oldest of them was sent.
YEARS = 3
_FREQUENT = ["the", "i", "you", "to", "and", "a", "it", "that", "of", "is", "what", "in", "this", "know", "have", "not", "for", "we", "on"]
_SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "xi", "yo", "zu"]
_VOCABULARY = 30_000
_EMOTION_WEIGHTS: dict[Emotion, int] = {"neutral": 60, "joy": 15, "surprise": 9, "sadness": 7, "anger": 6, "fear": 2, "disgust": 1}
_STATUSES = {"completed": 95, "rejected": 2, "failed": 2, "expired": 1}


class Words(NamedTuple):
    """A vocabulary by falling frequency."""

    all: list[str]
    weights: list[float]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """So many words, as they are said."""
        return chance.choices(self.all, cum_weights=self.weights, k=count)


def vocabulary() -> Words:
    """Some words that everybody says, and as many made up as a language has."""
    made = ["".join(_SYLLABLES[rank // 20**place % 20] for place in range(4)) for rank in range(_VOCABULARY - len(_FREQUENT))]
    return Words([*_FREQUENT, *made], list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1))))


async def fill(database: Database, account_id: UUID, videos: int, seed: int) -> None:
    """Give an account so many uploads, sent over some years, with an analysis each that is completed."""
    chance, words = random.Random(seed), vocabulary()
    now = datetime.now(UTC)
    made = [
        (UUID(int=chance.getrandbits(128)), now - timedelta(days=365 * YEARS) * (number + chance.random()) / videos)
        for number in range(videos)
    ]
    statuses = chance.choices(list(_STATUSES), weights=list(_STATUSES.values()), k=videos)
    async with database.transaction() as connection:
        await _copy(
            connection,
            "uploads (id, account_id, file_name, bucket, key, options, attempt, status, sequence, created_at, updated_at)",
            (
                (
                    id_,
                    account_id,
                    f"{'_'.join(words.some(chance, 2))}.mp4",
                    "valence",
                    source_key(id_),
                    "{}",
                    1,
                    status,
                    4,
                    time,
                    time,
                )
                for (id_, time), status in zip(made, statuses, strict=True)
            ),
        )
        ended_well = [upload_id for (upload_id, _), status in zip(made, statuses, strict=True) if status == "completed"]
        await _copy(connection, "analyses (upload_id, attempt, document)", ((id_, 1, _document(chance, words)) for id_ in ended_well))
        await _copy(
            connection,
            "usage (upload_id, attempt, account_id, media_seconds, compute_seconds)",
            ((upload_id, 1, account_id, 60.0, 6.0) for upload_id in ended_well),
        )


async def _copy(connection: Connection, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    async with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin".encode()) as copy:
        for row in rows:
            await copy.write_row(row)


def _document(chance: random.Random, words: Words) -> str:
    """An analysis as JSON; the times of single words, which no list reads, are left out."""
    mood = chance.choices(list(_EMOTION_WEIGHTS), weights=list(_EMOTION_WEIGHTS.values()))[0]
    utterances, start = [], 0.0
    for _ in range(min(200, max(1, int(chance.lognormvariate(2.3, 0.8))))):
        said = words.some(chance, chance.randint(3, 20))
        emotion = mood if chance.random() < 0.6 else chance.choices(list(_EMOTION_WEIGHTS), weights=list(_EMOTION_WEIGHTS.values()))[0]
        end = start + 0.35 * len(said)
        utterances.append({"start": round(start, 2), "end": round(end, 2), "text": " ".join(said), "words": (), "scores": _SCORES[emotion]})
        start = end + 0.5
    known = {"profile": "bundled", "media_seconds": start, "compute_seconds": 1, "models": (), "modalities": ("text",)}
    return msgspec.json.encode({**known, "utterances": utterances}).decode()


def _scores(emotion: Emotion) -> msgspec.Raw:
    sentiment = "neutral" if emotion in ("neutral", "surprise") else "positive" if emotion == "joy" else "negative"
    return msgspec.Raw(
        msgspec.json.encode(
            {
                "emotions": {name: 0.7 if name == emotion else 0.05 for name in EMOTIONS},
                "sentiments": {name: 0.8 if name == sentiment else 0.1 for name in SENTIMENTS},
            }
        )
    )


_SCORES = {emotion: _scores(emotion) for emotion in EMOTIONS}
