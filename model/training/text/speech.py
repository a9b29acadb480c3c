"""A synthetic voice: ffmpeg's flite, which Debian's ffmpeg has. It says the words and feels nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from model.voice_segments import SAMPLE_RATE, Sound

#: The voices that the recogniser understands best, a man's and a woman's.
VOICES = ("rms", "slt")
_LOUD = 0.01


def can_speak() -> bool:
    """Whether this machine has an ffmpeg with flite."""
    if shutil.which("ffmpeg") is None:
        return False
    listed = subprocess.run(["ffmpeg", "-hide_banner", "-filters"], capture_output=True, text=True, check=True).stdout
    return any(line.split()[1:2] == ["flite"] for line in listed.splitlines())


def speak(text: str, voice: str) -> Sound:
    """The text as 16 kHz mono sound, without silence at its ends; nothing where there is nothing to say."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(text)
        file.flush()
        source = f"flite=textfile={Path(file.name)}:voice={voice}"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-ar", str(SAMPLE_RATE), "-ac", "1", "-f", "f32le", "-"]
        spoken = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    sound: Sound = np.frombuffer(spoken, np.float32)
    loud = np.flatnonzero(abs(sound) > _LOUD)
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:0]
