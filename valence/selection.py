"""Which uploads of an account are meant, as the API's lists and archives take it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from schemas.analysis import Emotion, Sentiment
from schemas.status import Status


class Selection(NamedTuple):
    """Uploads by what is said and felt in them, by their status, and by when they were made; what is not given leaves all.

    `search` takes words that are said or in the name, `"a phrase"`, `one or other`, `-without` and `begin*`. Emotions and sentiments are
    those that are likeliest in a tenth of what is said, or more. Times have a zone.
    """

    search: str | None = None
    emotions: Iterable[Emotion] = ()
    sentiments: Iterable[Sentiment] = ()
    statuses: Iterable[Status] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the query. ValueError for a time without a zone."""
        times = {"created_after": self.created_after, "created_before": self.created_before}
        if wrong := [name for name, time in times.items() if time is not None and time.tzinfo is None]:
            raise ValueError(f"{wrong[0]} is {times[wrong[0]]}: expected a time with its zone, such as datetime.now(UTC)")
        return [
            *([("q", self.search)] if self.search else []),
            *(("emotion", emotion) for emotion in self.emotions),
            *(("sentiment", sentiment) for sentiment in self.sentiments),
            *(("status", status.value) for status in self.statuses),
            *((name, time.isoformat()) for name, time in times.items() if time is not None),
        ]
