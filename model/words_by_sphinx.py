"""Words with their times from sound: pocketsphinx and the English model that its wheel carries, in processes of its own."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import re
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pocketsphinx import Decoder, get_model_path

from model.errors import RecogniserDied
from model.voice_segments import SAMPLE_RATE, Sound, VoiceSegment
from model.words import Transcript
from schemas.analysis import ModelRef, Word

_NAME = "pocketsphinx"
_LANGUAGE = "en"

_FRAMES_A_SECOND = 100
_ALTERNATIVE = re.compile(r"\(\d+\)$")
_LISTENS_AHEAD = 4

_decoder: Decoder | None = None


def _start_process() -> None:
    """Load the recogniser into this process, and leave with the process that started it."""
    global _decoder
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    _decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")


def to_pcm(samples: Sound) -> npt.NDArray[np.int16]:
    """Turn float samples of -1..1 into 16-bit samples; louder ones are clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)


def recognise(decoder: Decoder, segment: VoiceSegment) -> list[Word]:
    """The words of one stretch of sound; times in seconds of the track, confidence as the recogniser's posterior."""
    if len(segment.samples) < SAMPLE_RATE // _FRAMES_A_SECOND:  # less than a frame: pocketsphinx raises IndexError
        return []
    # What was heard before must not matter, or the words would depend on which process took which segment: the running
    # estimates of loudness and noise start anew, and the loudness is normalised over the whole segment at once.
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(to_pcm(segment.samples).tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return []
    return [
        Word(
            text=_ALTERNATIVE.sub("", part.word),
            start=round(segment.start + part.start_frame / _FRAMES_A_SECOND, 2),
            end=round(segment.start + (part.end_frame + 1) / _FRAMES_A_SECOND, 2),
            confidence=round(min(1.0, max(0.0, part.prob)), 3),
        )
        for part in decoder.seg()
        if part.word[0] not in "<[+"  # silence, breath, noise
    ]


def _recognise_here(segment: VoiceSegment) -> list[Word]:
    assert _decoder is not None, "the process was started without _start_process"
    return recognise(_decoder, segment)


def model_ref() -> ModelRef:
    """The recogniser by name, and one hash over its acoustic model, language model and dictionary."""
    digest = hashlib.sha256()
    folder = Path(get_model_path("en-us"))
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return ModelRef(role="words", name=f"{_NAME}-{version('pocketsphinx')}-en-us", sha256=digest.hexdigest())


class _Recording(SpawnContext):
    """Spawned processes that are noted down, because an executor can only wait for its own."""

    def __init__(self, started: list[SpawnProcess]) -> None:
        self._started = started

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802  # multiprocessing's name
        process = SpawnProcess(*args, **kwargs)
        self._started.append(process)
        return process


class Sphinx:
    """A few processes that turn stretches of sound into words, as a WordSource."""

    def __init__(self, processes: int) -> None:
        self.name = _NAME
        self.ref = model_ref()
        self._processes = processes
        self._lock = threading.Lock()
        self._closed = False
        self._started: list[SpawnProcess] = []
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._processes, _Recording(self._started), initializer=_start_process)

    def warm_up(self) -> None:
        """Return when every process has loaded the recogniser; RecogniserDied when one cannot."""
        silence = VoiceSegment(0.0, np.zeros(SAMPLE_RATE, np.float32))
        self.transcribe(itertools.repeat(silence, self._processes))

    def transcribe(self, segments: Iterable[VoiceSegment]) -> Transcript:
        """The words of the segments in order; several are listened to at once and few are held in memory.

        RecogniserDied when a process ends over a segment, and another one over the same again; the next call finds new ones.
        """
        # Left early, it does not cancel what waits: a cancelled future stops the thread that tells the others that their pool broke.
        waiting: deque[tuple[VoiceSegment, Future[list[Word]]]] = deque()
        words: list[Word] = []
        for segment in segments:
            waiting.append((segment, self._listen(segment)))
            if len(waiting) >= _LISTENS_AHEAD * self._processes:
                words += self._heard(*waiting.popleft())
        while waiting:
            words += self._heard(*waiting.popleft())
        return Transcript(tuple(words), _LANGUAGE)

    def _heard(self, segment: VoiceSegment, words: Future[list[Word]]) -> list[Word]:
        try:
            return words.result()
        except BrokenProcessPool:  # perhaps over another video's segment, or before this one came
            words = self._listen(segment)
        try:
            return words.result()
        except BrokenProcessPool as broken:
            raise _died() from broken

    def _listen(self, segment: VoiceSegment) -> Future[list[Word]]:
        with self._lock:
            if self._closed:
                raise _died()
            try:
                return self._pool.submit(_recognise_here, segment)
            except BrokenProcessPool:
                self._pool = self._new_pool()
                return self._pool.submit(_recognise_here, segment)

    def close(self) -> None:
        """End the processes at once; videos that are listened to fail with RecogniserDied."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._started:
            process.kill()
            process.join()


def _died() -> RecogniserDied:
    return RecogniserDied("a process of the recogniser ended while it listened to this video; try again")
