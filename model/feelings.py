"""A loaded fusion at work: what text, voice and face say of each utterance of a video, together and alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from model.agreement import agreement
from model.device import best_device, mixed_precision
from model.errors import FusionRefused
from model.fusion import FUSED, Logits
from model.fusion_batches import Utterance, collate
from model.fusion_checkpoint import WEIGHTS_FILE, Temperatures, load_fusion
from model.recording import Recording
from schemas.analysis import EMOTIONS, SENTIMENTS, EmotionScores, Modality, ModelRef, Scores, SentimentScores

#: Utterances that are scored together; memory is bounded by the longest eight, not by the video.
BATCH = 8


Floats = npt.NDArray[np.float32]


class TextEncoder(Protocol):
    """A loaded text model, as far as a fusion needs one."""

    @property
    def ref(self) -> ModelRef:
        """Its weights."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """What the fusion's text tower reads: [texts, width]."""


@dataclass(frozen=True)
class Span:
    """A stretch to be judged, in seconds: with its `text` and what text alone says of it, where somebody speaks.

    `listening` is false where the stretch holds no voice.
    """

    start: float
    end: float
    text: str | None = None
    text_scores: Scores | None = None
    listening: bool = True


@dataclass(frozen=True)
class Felt:
    """What is felt in a stretch: the answer, what each modality alone says, and how much those agree."""

    scores: Scores
    modalities: dict[Modality, Scores]
    agreement: float | None


class Fusion:
    """Judges stretches of recordings. Threads take turns batch by batch, so the memory of many videos at once is that of one batch."""

    def __init__(self, folder: Path, encoder: TextEncoder) -> None:
        """Load a checkpoint; FusionRefused also where its text tower was trained on another encoder than `encoder`."""
        self._config, self._network, sha256 = load_fusion(folder)
        self._device = best_device()
        self._network.to(self._device)
        self._encoder = encoder
        self._turn = threading.Lock()
        text = self._config.architecture.text
        if text is not None and text.sha256 != encoder.ref.sha256:
            raise FusionRefused(
                folder / WEIGHTS_FILE,
                f"its text tower reads {text.name} ({text.sha256[:12]}), and the text model here is {encoder.ref.name} "
                f"({encoder.ref.sha256[:12]}): train it again with this one",
            )
        self.ref = ModelRef(role="fusion", name=self._config.name, sha256=sha256)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Those that it can read."""
        return self._config.architecture.modalities

    def feel(self, recording: Recording, spans: Sequence[Span]) -> list[Felt | None]:
        """What is felt in each stretch; None where there is nothing to read it from.

        Where a stretch has only words, the answer is what the text model says: there is nothing to fuse.
        """
        felt: list[Felt | None] = [None] * len(spans)
        embedded = self._read(spans)
        # Neighbours in length waste the least on padding.
        order = sorted(range(len(spans)), key=lambda n: spans[n].end - spans[n].start)
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            for n, result in zip(chosen, self._score([spans[n] for n in chosen], [embedded[n] for n in chosen], recording), strict=True):
                felt[n] = result
        return felt

    def _score(self, spans: Sequence[Span], embedded: Sequence[Floats | None], recording: Recording) -> Iterator[Felt | None]:
        with self._turn:
            batch = collate(self.modalities, [self._gather(span, text, recording) for span, text in zip(spans, embedded, strict=True)])
            with torch.inference_mode(), mixed_precision(self._device):
                said = self._network(batch.to(self._device))
        alone = {name: _probabilities(logits, self._config.temperatures.get(name)) for name, logits in said.items()}
        for row, span in enumerate(spans):
            present = [modality for modality, has in zip(self.modalities, batch.present[row].tolist(), strict=True) if has]
            modalities = {modality: alone[modality][row] for modality in present}
            fused = alone[FUSED][row] if present else None
            if span.text_scores is not None:
                modalities = {Modality.TEXT: span.text_scores, **{m: s for m, s in modalities.items() if m is not Modality.TEXT}}
                if set(present) <= {Modality.TEXT}:
                    fused = span.text_scores
            yield None if fused is None else Felt(fused, modalities, _agreement(modalities))

    def _read(self, spans: Sequence[Span]) -> list[Floats | None]:
        if self._config.architecture.text is None:
            return [None] * len(spans)
        # All at once and in their order: what was said before may tell an encoder something.
        embedded = iter(self._encoder.embed([span.text for span in spans if span.text is not None]))
        return [None if span.text is None else next(embedded) for span in spans]

    def _gather(self, span: Span, text: Floats | None, recording: Recording) -> Utterance:
        face = self._config.architecture.face
        wants_voice = span.listening and self._config.architecture.voice is not None
        stretch = recording.stretch(span.start, span.end, face.looking if face is not None else None, listening=wants_voice)
        return Utterance(text=text, voice=stretch.voice, face=stretch.face)


def _probabilities(logits: Logits, temperatures: Temperatures | None) -> list[Scores]:
    by = temperatures or Temperatures()
    emotions, sentiments = (
        torch.softmax(values.float() / temperature, dim=1).cpu().numpy()
        for values, temperature in ((logits.emotion, by.emotion), (logits.sentiment, by.sentiment))
    )
    return [
        Scores(
            emotions=EmotionScores(**dict(zip(EMOTIONS, map(_rounded, emotion), strict=True))),
            sentiments=SentimentScores(**dict(zip(SENTIMENTS, map(_rounded, sentiment), strict=True))),
        )
        for emotion, sentiment in zip(emotions, sentiments, strict=True)
    ]


def _rounded(probability: float) -> float:
    # As the text model's: six places are more than the weights know.
    return round(float(probability), 6)


def _agreement(modalities: dict[Modality, Scores]) -> float | None:
    agreed = agreement([msgspec.structs.astuple(scores.emotions) for scores in modalities.values()])
    return None if agreed is None else round(agreed, 6)
