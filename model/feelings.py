"""A loaded fusion at work: what text, voice and face say of each utterance of a video, together and alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
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
from model.recording import Recording, Stretch
from model.senses import Felt, Recorder, Span
from schemas.analysis import EMOTIONS, SENTIMENTS, EmotionScores, Modality, ModelRef, Moment, Scores, SentimentScores

#: A video without words is judged in windows of about this length; a voice is judged where it is heard for this long.
WINDOW_SECONDS, VOICED_SECONDS = 10.0, 0.5
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
        self._ref = ModelRef(role="fusion", name=self._config.name, sha256=sha256)

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """Its weights."""
        return (self._ref,)

    @property
    def certain_from(self) -> float:
        """Below this probability the most probable fused emotion should not be relied on, as training measured it on dev."""
        return self._config.certain_from

    def record(self) -> Recording:
        """A recorder of what the towers take."""
        architecture = self._config.architecture
        looking = architecture.face.looking if architecture.face is not None else None
        return Recording(looking, listening=architecture.voice is not None)

    def feel(self, recorder: Recorder, spans: Sequence[Span]) -> list[Felt]:
        """What is felt in each stretch. Where one has only words, the answer is the text model's: there is nothing to fuse."""
        assert isinstance(recorder, Recording), "it made the recorder"
        texts: Sequence[Floats | None] = [None] * len(spans)
        if self._config.architecture.text is not None:
            texts = list(self._encoder.embed([span.text for span in spans]))
        felt: list[Felt | None] = [None] * len(spans)
        # Neighbours in length waste the least on padding.
        order = sorted(range(len(spans)), key=lambda n: spans[n].end - spans[n].start)
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            with self._turn:
                stretches = [recorder.stretch(spans[n].start, spans[n].end) for n in chosen]
                said = self._judge([_utterance(texts[n], stretch) for n, stretch in zip(chosen, stretches, strict=True)])
            for n, (fused, modalities) in zip(chosen, said, strict=True):
                alone = {**modalities, Modality.TEXT: spans[n].text_scores}
                felt[n] = Felt(fused if len(alone) > 1 else spans[n].text_scores, alone, _agreement(alone))
        return [one for one in felt if one is not None]

    def moments(self, recorder: Recorder) -> tuple[Moment, ...]:
        """What voice and face show where no word was understood, in windows of some ten seconds; none with neither."""
        assert isinstance(recorder, Recording), "it made the recorder"
        count = max(1, round(recorder.seconds / WINDOW_SECONDS))
        windows = [(recorder.seconds * n / count, recorder.seconds * (n + 1) / count) for n in range(count)]
        moments = []
        for first in range(0, len(windows), BATCH):
            with self._turn:
                stretches = [recorder.stretch(*window, listening=_speaks(recorder, *window)) for window in windows[first : first + BATCH]]
                said = self._judge([_utterance(None, stretch) for stretch in stretches])
            for (start, end), (scores, modalities) in zip(windows[first : first + BATCH], said, strict=True):
                if modalities:
                    times = {"start": round(start, 3), "end": round(end, 3)}
                    moments.append(Moment(**times, scores=scores, modalities=modalities, agreement=_agreement(modalities)))
        return tuple(moments)

    def _judge(self, utterances: Sequence[Utterance]) -> list[tuple[Scores, dict[Modality, Scores]]]:
        """Fused scores and those of each modality that is there."""
        architecture = self._config.architecture
        batch = collate(architecture.modalities, utterances)
        with torch.inference_mode(), mixed_precision(self._device):
            said = self._network(batch.to(self._device))
        by = {name: _probabilities(logits, self._config.temperatures.get(name)) for name, logits in said.items()}
        return [
            (by[FUSED][row], {modality: by[modality][row] for modality in architecture.modalities if utterance.of(modality) is not None})
            for row, utterance in enumerate(utterances)
        ]


def _utterance(text: Floats | None, stretch: Stretch) -> Utterance:
    return Utterance(text=text, voice=stretch.voice, face=stretch.face)


def _speaks(recording: Recording, start: float, end: float) -> bool:
    return recording.voiced_seconds(start, end) >= VOICED_SECONDS


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
