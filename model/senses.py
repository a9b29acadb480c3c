"""What may stand beside the text model: senses that hear and see a video while it is decoded, and judge stretches of it.

Without any, the words alone decide, and neither pictures are decoded nor sound is kept. Known without torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from schemas.analysis import Modality, ModelRef, Moment, Scores

if TYPE_CHECKING:
    from media.pictures import Watcher
    from model.voice_segments import VoiceSegment

Block = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """A stretch to be judged, in seconds, in which `text` was said, and what the text alone says of it."""

    start: float
    end: float
    text: str
    text_scores: Scores


@dataclass(frozen=True)
class Felt:
    """What is felt in a stretch: the answer, what each modality alone says, and how much those agree."""

    scores: Scores
    modalities: dict[Modality, Scores]
    agreement: float | None


class Recorder(Protocol):
    """Collects what one video gives while it is decoded."""

    @property
    def watcher(self) -> Watcher | None:
        """Takes its pictures; None where nobody looks."""

    def heard(self, blocks: Iterable[Block]) -> Iterable[Block]:
        """Its sound, passed through."""

    def voiced(self, segments: Iterable[VoiceSegment]) -> Iterable[VoiceSegment]:
        """The stretches in which somebody may be speaking, passed through."""


class Senses(Protocol):
    """Judges what was recorded; any number of threads may use one at the same time."""

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """Its weights."""

    @property
    def certain_from(self) -> float:
        """Below this probability the most probable emotion of all together should not be relied on; 0 where nobody measured that."""

    def record(self) -> Recorder:
        """A recorder for one video."""

    def feel(self, recorder: Recorder, spans: Sequence[Span]) -> list[Felt]:
        """What is felt in each stretch, in their order."""

    def moments(self, recorder: Recorder) -> tuple[Moment, ...]:
        """What is felt where no word was understood: windows in which a face is seen or a voice heard."""


class _Nothing:
    @property
    def watcher(self) -> None:
        return None

    def heard(self, blocks: Iterable[Block]) -> Iterator[Block]:
        return iter(blocks)

    def voiced(self, segments: Iterable[VoiceSegment]) -> Iterator[VoiceSegment]:
        return iter(segments)


class WordsAlone:
    """No senses: what the text says is the answer."""

    refs: tuple[ModelRef, ...] = ()
    certain_from: float = 0.0

    def record(self) -> Recorder:
        """Nothing is recorded."""
        return _Nothing()

    def feel(self, recorder: Recorder, spans: Sequence[Span]) -> list[Felt]:
        """What the text says."""
        return [Felt(span.text_scores, {Modality.TEXT: span.text_scores}, None) for span in spans]

    def moments(self, recorder: Recorder) -> tuple[Moment, ...]:
        """None: without words nothing is known."""
        return ()
