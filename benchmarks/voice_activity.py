"""Which detector finds voice where there is some, and none where there is none: Silero's, which we use, beside WebRTC's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from pocketsphinx import Endpointer

from model.voice_segments import PADDING_SECONDS, find_voice
from samples.script import DIALOGUE, ERRAND, Line, read_script
from samples.sounds import RATE, Sound, spoken, unspoken, with_noise

Span = tuple[float, float]


def silero(sound: Sound) -> list[Span]:
    """The stretches that the pipeline listens to, as (start, end) in seconds."""
    return [(segment.start, segment.end) for segment in find_voice([sound])]


def webrtc(sound: Sound) -> list[Span]:
    """The same by the detector that pocketsphinx brings along, at its best settings, with the same padding."""
    endpointer = Endpointer(window=0.21, ratio=0.9, vad_mode=2, sample_rate=RATE)
    samples = (np.append(sound, np.zeros(RATE, np.float32)) * 32767).astype(np.int16)
    step, spans, start = endpointer.frame_bytes // 2, [], None
    for at in range(0, len(samples) - step, step):
        endpointer.process(samples[at : at + step].tobytes())
        if endpointer.in_speech and start is None:
            start = endpointer.speech_start - PADDING_SECONDS
        elif not endpointer.in_speech and start is not None:
            spans.append((max(0.0, start), endpointer.speech_end + PADDING_SECONDS))
            start = None
    return spans


def _overlap(spans: Iterable[Span], lines: Sequence[Line]) -> float:
    return sum(max(0.0, min(end, line.end) - max(start, line.start)) for start, end in spans for line in lines)


def _figures(detector: Callable[[Sound], list[Span]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, sound in unspoken().items():
        figures[f"seconds of {name} taken for voice, of 60"] = round(sum(end - start for start, end in detector(sound)), 1)
    for kind, decibels in (("clear", 60.0), ("in noise 10 dB below", 10.0), ("in noise as loud", 0.0)):
        found = said = wrong = 0.0
        for clip in (DIALOGUE, ERRAND):
            lines, spans = read_script(clip).lines, detector(with_noise(spoken(clip), decibels))
            heard = _overlap(spans, lines)
            found, said = found + heard, said + sum(line.end - line.start for line in lines)
            wrong += sum(end - start for start, end in spans) - heard
        figures[f"speech found, {kind}, %"] = round(100 * found / said, 1)
        figures[f"seconds beside speech taken for voice, {kind}"] = round(wrong, 1)
    dialogue = spoken(DIALOGUE)
    started = time.process_time()
    detector(dialogue)
    figures["processor seconds an hour of sound"] = round((time.process_time() - started) * 3600 * RATE / len(dialogue), 1)
    return figures


async def measure() -> dict[str, Any]:
    """Both detectors on the samples, and on a minute each of silence, tones and noise."""
    ours = _figures(silero)
    mistaken = [figure for figure, value in ours.items() if figure.startswith("seconds of") and value > 0]
    return {"silero": ours, "webrtc": _figures(webrtc), "passed": not mistaken and ours["speech found, clear, %"] > 98}
