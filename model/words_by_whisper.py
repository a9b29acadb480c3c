"""Words with their times from sound, by openai-whisper, window by window of nothing but voice."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TypedDict

import torch
import whisper
from torch import Tensor, nn
from whisper.model import AudioEncoder, Whisper
from whisper.timing import dtw

from model.checkpoints import sha256
from model.device import best_device, mixed_precision
from model.utterances import WITHOUT_SPACES
from model.voice_segments import VoiceSegment
from model.weight_files import find_whisper
from model.whisper_checkpoint import load_whisper
from model.windows import Window, into_windows
from model.words import Transcript
from schemas.analysis import ModelRef, Word

_NAME = "whisper"


class _EncodesOnce(nn.Module):
    """The encoder, which Whisper asks for the same window again for its language, for each try at its words and for their times."""

    def __init__(self, encoder: AudioEncoder) -> None:
        super().__init__()
        self._encoder = encoder
        self._last: tuple[Tensor, Tensor] | None = None

    def forward(self, mel: Tensor) -> Tensor:
        """Features [windows, 1500, width] of log-mel spectra [windows, mels, 3000]."""
        if self._last is None or not torch.equal(self._last[0], mel):
            # On a GPU Whisper itself works in half precision.
            with mixed_precision(mel.device) if mel.dtype == torch.float32 else nullcontext():
                self._last = mel, self._encoder(mel).to(mel.dtype)
        return self._last[1]


class WhisperWords:
    """A loaded Whisper, as a WordSource. Threads take turns window by window: its decoder keeps its state in the network."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = _NAME
        self.ref = ModelRef(role="words", name=f"{_NAME}-{name}", sha256=sha256([path]))
        network = load_whisper(path)
        network.encoder = _EncodesOnce(network.encoder)
        self._network: Whisper = network.to(best_device())
        self._turn = threading.Lock()
        # Compiled when it is first called, which takes seconds: not the first video's.
        dtw(torch.zeros(2, 2))

    def transcribe(self, segments: Iterable[VoiceSegment]) -> Transcript:
        """The words of the segments in order; the language is that of the first window in which there is a word."""
        words: list[Word] = []
        language: str | None = None
        for window in into_windows(segments):
            with self._turn:
                heard, spoken = self._listen(window, language)
            if heard:
                words, language = [*words, *heard], spoken
        return Transcript(tuple(words), language)

    def close(self) -> None:
        """Nothing was started."""

    def _listen(self, window: Window, language: str | None) -> tuple[list[Word], str]:
        # Tries above temperature 0 draw lots: the same ones each time, so that a video has one transcript.
        with torch.random.fork_rng():
            torch.manual_seed(0)
            said = whisper.transcribe(
                self._network,
                window.samples,
                language=language,
                word_timestamps=True,
                # What was said before makes Whisper repeat itself once it has begun to.
                condition_on_previous_text=False,
                fp16=self._network.device.type == "cuda",
            )
        timed = [word for segment in said["segments"] for word in segment["words"]]
        return list(_placed(window, _joined(timed, said["language"]))), said["language"]


class _Piece(TypedDict):
    """What Whisper calls a word: with the space before it where there is one, seconds of the window, and its probability."""

    word: str
    start: float
    end: float
    probability: float


def _joined(pieces: Iterable[_Piece], language: str) -> Iterator[_Piece]:
    """Whole words: Whisper cuts 1,000 and 20% at their signs, and only what a space stands before begins a word."""
    word: _Piece | None = None
    for piece in pieces:
        if word is not None and language not in WITHOUT_SPACES and not piece["word"].startswith(" "):
            text, probability = word["word"] + piece["word"], min(word["probability"], piece["probability"])
            word = {"word": text, "start": word["start"], "end": max(word["end"], piece["end"]), "probability": probability}
            continue
        if word is not None:
            yield word
        word = piece
    if word is not None:
        yield word


def _placed(window: Window, pieces: Iterable[_Piece]) -> Iterator[Word]:
    for piece in pieces:
        start, end = window.place(float(piece["start"]), float(piece["end"]))
        confidence = min(1.0, max(0.0, float(piece["probability"])))
        yield Word(text=piece["word"].strip(), start=round(start, 2), end=round(end, 2), confidence=round(confidence, 3))


def load(folder: Path, name: str) -> WhisperWords:
    """Load a checkpoint by its path, or by its name below `folder`; WeightsMissing, WeightsRefused."""
    return WhisperWords(find_whisper(folder, name), Path(name).stem)
