"""The obvious way to analyse a video, to compare with: `python -m benchmarks.obvious VIDEO` prints what it finds.

The same weights and the same voice activity as the pipeline, on as many threads; but temporary files between the steps, one stretch of
voice after another, one utterance after another, and float32 where the weights are not small already.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from pocketsphinx import Decoder

from model import text
from model.profiles import BUNDLED_FOLDER
from model.text import TextModel, softmax
from model.text_tokens import turns
from model.utterances import into_utterances, text_of
from model.voice_segments import SAMPLE_RATE, Sound, VoiceSegment, find_voice
from model.words_by_sphinx import recognise, to_pcm
from schemas.analysis import EMOTIONS, Word

#: What the text model says of an utterance: seven emotions, three sentiments.
Judged = tuple[list[float], list[float]]
_BLOCK = 5 * SAMPLE_RATE


def analyse(video: Path, decoder: Decoder, model: TextModel) -> list[tuple[str, Judged]]:
    """Every utterance of a video by the bundled models, and what is felt in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with av.open(video) as container:
            resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
            parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        write_sound(folder / "sound.wav", np.concatenate(parts))
        words: list[Word] = []
        sound = read_sound(folder / "sound.wav")
        # In pieces, as it is written for: a whole track at once would make it look slow.
        blocks = (sound[start : start + _BLOCK] for start in range(0, len(sound), _BLOCK))
        for number, segment in enumerate(find_voice(blocks)):
            file = folder / f"{number}.wav"
            write_sound(file, segment.samples)
            words += recognise(decoder, VoiceSegment(segment.start, read_sound(file)))
    texts = [text_of(said, "en") for said in into_utterances(words)]
    found = []
    for turn in turns(texts):
        emotions, sentiments = model.probabilities([turn])
        found.append((turn.text, (emotions[0].tolist(), sentiments[0].tolist())))
    return found


def write_sound(path: Path, samples: Sound) -> None:
    """A WAV file of 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(to_pcm(samples).tobytes())


def read_sound(path: Path) -> Sound:
    """And back."""
    with wave.open(str(path), "rb") as file:
        return (np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32767).astype(np.float32)


def classifier(path: Path) -> Callable[[str], list[float]]:
    """A checkpoint of the hub's kind in float32, which reads one text at a time: the probabilities of its classes in its own order."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    network: Any = AutoModelForSequenceClassification.from_pretrained(path, local_files_only=True, dtype=torch.float32).eval()

    def read(said: str) -> list[float]:
        with torch.no_grad():
            logits = network(**tokenizer(said, return_tensors="pt")).logits
        return [float(probability) for probability in softmax(logits.numpy())[0]]

    return read


def main(arguments: Sequence[str]) -> None:
    """Print every utterance with its emotions, most probable first."""
    model, decoder = text.load(BUNDLED_FOLDER, threads=2), Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
    for said, (emotions, _) in analyse(Path(arguments[0]), decoder, model):
        ordered = sorted(zip(emotions, EMOTIONS, strict=True), reverse=True)
        print(said, *(f"{name} {probability:.3f}" for probability, name in ordered), sep="\t")


if __name__ == "__main__":
    main(sys.argv[1:])
