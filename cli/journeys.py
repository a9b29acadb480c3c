"""Videos on their way: each is sent, followed by its events and answered with its analysis, several side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from cli.exits import CommandFailed, Exit
from cli.unsent import Entry, Unsent
from schemas.analysis import Analysis
from schemas.failures import Failure
from schemas.resources import Progress, Upload, UploadProgress
from schemas.status import RANK, TERMINAL, Status
from valence import ApiError, Client, FileChanged

#: Videos that are on their way at the same time; an account may have ten streams of events.
SIDE_BY_SIDE = 4


class Journey(NamedTuple):
    """How far one video has come. `refused` by the API, it never became more than a request; `seconds` have passed.

    `progress` is how it gets on in its present status, once that is known.
    """

    path: Path
    bytes: int
    sent: int = 0
    upload_id: UUID | None = None
    attempt: int = 1
    status: Status | None = None
    failure: Failure | None = None
    progress: Progress | None = None
    analysis: Analysis | None = None
    refused: bool = False
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.refused or self.analysis is not None or (self.status in TERMINAL and self.status is not Status.COMPLETED)

    @property
    def is_underway(self) -> bool:
        """Whether it has been sent whole, and goes on without us."""
        return self.status is not None and not self.ended and RANK[self.status] >= RANK[Status.RECEIVED]

    @property
    def outcome(self) -> str:
        """How it stands, in a word."""
        return "refused" if self.refused else self.status or "sending"


class Unfinished(CommandFailed):
    """Not every video has come to its end while there was somebody to wait for it."""

    def __init__(self, reason: str, code: Exit, journeys: Sequence[Journey]) -> None:
        going_on = [str(journey.upload_id) for journey in journeys if journey.is_underway]
        advice = f"; what was sent goes on, see `valence watch {' '.join(going_on)}`" if going_on else ""
        if any(journey.upload_id and not journey.ended and not journey.is_underway for journey in journeys):
            advice += "; the same command again sends the rest"
        super().__init__(reason + advice.replace("; ", ": ", 1))
        self.code = code


class How(NamedTuple):
    """How videos are sent: with words from their captions, and past the API, straight to S3."""

    captions: bool = False
    straight_to_storage: bool = False


class _Change(NamedTuple):
    number: int
    journey: Journey
    fault: Exception | None = None


def travel(
    client: Client, unsent: Unsent, paths: Sequence[Path], how: How, timeout: float | None, show: Callable[[int, Journey], None]
) -> list[Journey]:
    """Bring videos to their end and return how each has ended, in the order of `paths`; `show` is told of every step.

    Uploads that `unsent` knows go on where they were interrupted.

    Unfinished after `timeout` seconds or at Ctrl-C: what was sent is still analysed. An error that is not about one video ends them all.
    """
    journeys = [Journey(path, path.stat().st_size) for path in paths]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    changes: queue.SimpleQueue[_Change] = queue.SimpleQueue()
    for number in range(len(journeys)):
        waiting.put(number)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            _Traveller(client, how, unsent, number, journeys[number], changes).go()

    for _ in range(min(SIDE_BY_SIDE, len(journeys))):
        # Daemons, so that one that waits for an event does not keep the command from ending.
        threading.Thread(target=work, daemon=True).start()
    unsent.tidy()
    deadline = None if timeout is None else time.monotonic() + timeout
    current = list(journeys)
    try:
        while not all(journey.ended for journey in current):
            change = _next(changes, deadline, timeout, current)
            if change.fault is not None:
                raise change.fault
            current[change.number] = change.journey
            show(change.number, change.journey)
    except KeyboardInterrupt:
        raise Unfinished("interrupted", Exit.INTERRUPTED, current) from None
    return current


def _next(changes: queue.SimpleQueue[_Change], deadline: float | None, timeout: float | None, current: Sequence[Journey]) -> _Change:
    try:
        return changes.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise Unfinished(f"not finished after {timeout:g} s", Exit.TIMED_OUT, current) from None


class _Traveller:
    """Takes one video from the file to its analysis, in a thread, and tells of each step."""

    def __init__(
        self, client: Client, how: How, unsent: Unsent, number: int, journey: Journey, changes: queue.SimpleQueue[_Change]
    ) -> None:
        self._client, self._how, self._unsent = client, how, unsent
        self._number, self._journey, self._changes = number, journey, changes
        self._started = time.monotonic()

    def go(self) -> None:
        if self._journey.bytes == 0:
            self._tell(refused=True, failure=Failure(code="empty-file", message="the file is empty: choose another"))
            return
        try:
            self._send()
            self._follow()
        except ApiError as error:
            if error.problem.status >= 500:
                self._changes.put(_Change(self._number, self._journey, error))
            else:
                self._tell(refused=True, failure=Failure(code=error.name, message=error.problem.detail))
        except Exception as error:  # raised again in the thread that waits
            self._changes.put(_Change(self._number, self._journey, error))

    def _tell(self, **news: Any) -> None:
        self._journey = self._journey._replace(**news, seconds=time.monotonic() - self._started)
        self._changes.put(_Change(self._number, self._journey))

    def _send(self) -> None:
        entry = self._unsent.entry(self._journey.path)
        begun = entry.upload_id
        try:
            self._upload(entry, begun)
        except (ApiError, FileChanged) as error:
            if begun is None or (isinstance(error, ApiError) and error.problem.status >= 500):
                raise
            self._upload(entry, None)  # what had begun has expired, or was of another file
        entry.forget()

    def _upload(self, entry: Entry, begun: UUID | None) -> None:
        def announced(upload: Upload) -> None:
            entry.note(upload.id)
            self._tell(upload_id=upload.id, status=upload.status)

        self._tell(sent=0)
        self._client.upload_file(
            self._journey.path,
            captions=self._how.captions,
            straight_to_storage=self._how.straight_to_storage,
            resume=begun,
            progress=lambda count: self._tell(sent=self._journey.sent + count),
            announced=announced,
        )

    def _follow(self) -> None:
        assert self._journey.upload_id is not None
        for update in self._client.updates(self._journey.upload_id):
            if isinstance(update, UploadProgress):
                self._tell(progress=update.progress)
            else:
                self._tell(status=update.status, failure=update.failure, attempt=update.attempt, progress=None)
        if self._journey.status is Status.COMPLETED:
            self._tell(analysis=self._client.analysis(self._journey.upload_id))
