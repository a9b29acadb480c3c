"""Sounds to try ears on: what is said in a clip, and a minute each of what is no speech."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

#: Samples a second of every sound here.
RATE = 16_000

Sound = npt.NDArray[np.float32]


def spoken(clip: Path) -> Sound:
    """The sound of a sample clip: float32 samples, -1 to 1, mono."""
    with av.open(clip) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32)


def with_noise(sound: Sound, decibels: float) -> Sound:
    """The sound in white noise, so many decibels quieter than it; the same noise every time."""
    loudness = np.sqrt(np.mean(sound**2)) / 10 ** (decibels / 20)
    return _clipped(sound + float(loudness) * _noise(len(sound)))


def unspoken(seconds: float = 60.0) -> dict[str, Sound]:
    """Sounds in which nobody speaks, by name."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = _noise(len(time))
    sine = {frequency: np.sin(2 * np.pi * frequency * time) for frequency in (50, 220, 277, 330, 440, 1000)}
    sounds = {
        "silence": 0.0 * time,
        "a tone": 0.25 * sine[440],
        "a chord that swells": 0.1 * (sine[220] + sine[277] + sine[330]) * (1 + np.sin(2 * np.pi * 3 * time)),
        "a siren": 0.3 * np.sin(2 * np.pi * (100 * time + 500 * (time % 2) ** 2)),
        "beeps": 0.3 * sine[1000] * (time % 1 < 0.3),
        "mains hum": 0.1 * np.sign(sine[50]),
        "clicks": 0.8 * (np.abs(noise) > 3.9),
        "quiet noise": 0.01 * noise,
        "loud noise": 0.2 * noise,
        "noise that beats as fast as syllables": 0.1 * noise * (1 + np.sin(2 * np.pi * 4 * time)),
    }
    return {name: _clipped(sound) for name, sound in sounds.items()}


def _noise(samples: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(1).normal(size=samples)


def _clipped(sound: npt.NDArray[np.float64]) -> Sound:
    return np.asarray(np.clip(sound, -1.0, 1.0), np.float32)
