"""From samples to what the towers take: every clip is decoded once, its features are cached, and what cannot be read is listed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
from safetensors.numpy import load_file, save_file

from media.decoding import decoding
from media.limits import Rejected
from media.pool import MediaPool
from media.ranges import FileRanges
from model.feelings import TextEncoder
from model.fusion import Architecture
from model.fusion_batches import Utterance
from model.recording import Recording
from model.training.fusion.dataset import Sample
from model.training.fusion.errors import DatasetInvalid

#: Of the features' form; another one never reads what this one cached.
_VERSION = 1
#: Where more than this share of a split cannot be read, the folder is wrong rather than some of its files.
MOST_FAILED = 0.2


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A sample that has less than it should: which, and why. It stays in the training with the modalities that it has."""

    split: str
    sample: str
    reason: str


@dataclass(frozen=True)
class Prepared:
    """The samples of a split, with the embeddings of their words, the files of their features, and what is wrong with some of them."""

    samples: Sequence[Sample]
    texts: Sequence[np.ndarray[tuple[int], np.dtype[np.float32]] | None]
    files: Sequence[Path | None]
    failures: Sequence[Failure]

    def utterance(self, index: int) -> Utterance:
        """What there is of one sample."""
        file = self.files[index]
        stored = load_file(file) if file is not None else {}
        return Utterance(text=self.texts[index], voice=stored.get("voice"), face=stored.get("face"))


class Preparation:
    """Prepares splits for one architecture; features are kept in `cache` under the hash of the clip they are of."""

    def __init__(self, architecture: Architecture, encoder: TextEncoder, cache: Path, pool: MediaPool, threads: int) -> None:
        self._architecture = architecture
        self._encoder = encoder
        self._cache = cache
        self._pool = pool
        self._threads = threads

    def prepare(self, split: str, samples: Sequence[Sample]) -> Prepared:
        """Decode what is not cached yet. Raises DatasetInvalid where most of a split cannot be read."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="features") as threads:
            outcomes = list(threads.map(self._features, samples))
        files = [outcome if isinstance(outcome, Path) else None for outcome in outcomes]
        failures = [
            Failure(split=split, sample=sample.name, reason=outcome)
            for sample, outcome in zip(samples, outcomes, strict=True)
            if isinstance(outcome, str)
        ]
        if len(failures) > MOST_FAILED * len(samples):
            first = failures[0]
            raise DatasetInvalid(
                f"{len(failures)} of {len(samples)} clips of {split!r} cannot be read; the first, {first.sample}: {first.reason}"
            )
        return Prepared(samples, list(self._embed(samples)), files, failures)

    def _embed(self, samples: Sequence[Sample]) -> Iterator[np.ndarray[tuple[int], np.dtype[np.float32]] | None]:
        if self._architecture.text is None:
            yield from [None] * len(samples)
            return
        for _, dialogue in groupby(samples, key=lambda sample: sample.dialogue):
            yield from self._encoder.embed([sample.text for sample in dialogue])

    def _features(self, sample: Sample) -> Path | str | None:
        """The file of a clip's features, or why there is none."""
        if sample.video is None:
            return None
        try:
            with sample.video.open("rb") as clip:
                digest = hashlib.file_digest(clip, "sha256")
        except OSError as error:
            return f"{sample.video}: {error.strerror}"
        face = self._architecture.face
        digest.update(repr((_VERSION, self._architecture.voice is not None, face.looking if face is not None else None)).encode())
        path = self._cache / f"{digest.hexdigest()}.safetensors"
        if path.exists():
            return path
        try:
            with sample.video.open("rb") as clip:
                features = self._decode(FileRanges(clip))
        except Rejected as rejected:
            return rejected.message
        if not features:
            return "neither sound nor a picture of it can be used"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two runs may share a cache, and a kill must leave nothing half written.
        new = path.with_suffix(f".{hashlib.sha256(sample.name.encode()).hexdigest()[:8]}.new")
        save_file(features, new)
        new.replace(path)
        return path

    def _decode(self, clip: FileRanges) -> dict[str, np.ndarray]:
        face = self._architecture.face
        recording = Recording(face.looking if face is not None else None, listening=self._architecture.voice is not None)
        with decoding(self._pool, clip, pictures=recording.watcher) as sound:
            for _ in recording.heard(sound):
                pass
        stretch = recording.stretch(0.0, recording.seconds)
        features: dict[str, np.ndarray] = {}
        if stretch.voice is not None:
            features["voice"] = stretch.voice.astype(np.float16)
        if stretch.face is not None:
            features["face"] = stretch.face
        return features
