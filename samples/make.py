"""The maintainer's tool that makes a sample clip from its script: `python -m samples.make samples/dialogue.json`.

It needs an ffmpeg with flite (Debian's has it; no other part of Valence needs the program), writes the clip beside the script
and the lines' times into the script.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from model.training.text.speech import speak
from model.voice_segments import SAMPLE_RATE, Sound
from samples.pictures import HEIGHT, WIDTH, draw
from samples.script import Script, read_script, script_file

PICTURES_A_SECOND = 12
#: Silence around and between the lines, in seconds.
PAUSE_SECONDS = 0.7


def _ffmpeg(*arguments: str, given: bytes) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], input=given, check=True)


def speak_all(script: Script) -> tuple[Script, Sound]:
    """The whole sound track, and the script with the times at which its lines are heard."""
    pause = np.zeros(int(PAUSE_SECONDS * SAMPLE_RATE), np.float32)
    parts, lines, position = [pause], [], len(pause)
    for line in script.lines:
        sound = speak(line.text, line.voice)
        start, end = position / SAMPLE_RATE, (position + len(sound)) / SAMPLE_RATE
        lines.append(msgspec.structs.replace(line, start=round(start, 2), end=round(end, 2)))
        parts += [sound, pause]
        position += len(sound) + len(pause)
    return msgspec.structs.replace(script, lines=tuple(lines)), np.concatenate(parts)


def draw_all(script: Script, sound: Sound) -> bytes:
    """Every picture of the clip as raw RGB."""
    first_voice = script.lines[0].voice
    pictures, mood = bytearray(), script.lines[0].mood
    for number in range(int(len(sound) / SAMPLE_RATE * PICTURES_A_SECOND)):
        now = number / PICTURES_A_SECOND
        line = next((line for line in script.lines if line.start <= now < line.end), None)
        if line is not None:
            mood = line.mood
        heard = sound[int(now * SAMPLE_RATE) : int((now + 1 / PICTURES_A_SECOND) * SAMPLE_RATE)]
        side = None if line is None else "left" if line.voice == first_voice else "right"
        pictures += draw(side, mood, min(1.0, float(abs(heard).mean()) * 8.0)).tobytes()
    return bytes(pictures)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02},{milliseconds % 1000:03}"


def as_srt(script: Script) -> str:
    """The script as SubRip captions."""
    return "".join(f"{n}\n{_clock(line.start)} --> {_clock(line.end)}\n{line.text}\n\n" for n, line in enumerate(script.lines, 1))


def make(clip: Path) -> None:
    """Make the clip from its script: H.264 pictures, AAC sound and a caption track in MP4."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script, sound = speak_all(read_script(clip))
        raw_sound, captions = folder / "sound.f32", folder / "captions.srt"
        raw_sound.write_bytes(sound.tobytes())
        captions.write_text(as_srt(script), encoding="utf-8")
        pictures = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(PICTURES_A_SECOND), "-i", "-")
        _ffmpeg(
            *(*pictures, "-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", str(raw_sound), "-i", str(captions)),
            *("-c:v", "libx264", "-preset", "veryslow", "-crf", "30", "-pix_fmt", "yuv420p", "-threads", "1"),
            *("-c:a", "aac", "-b:a", "64k", "-c:s", "mov_text", "-metadata:s:s:0", "language=eng"),
            *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-movflags", "+faststart", str(clip)),
            given=draw_all(script, sound),
        )
    script_file(clip).write_bytes(msgspec.json.format(msgspec.json.encode(script), indent=2) + b"\n")


def main() -> None:
    """Make the clips whose scripts are named."""
    parser = argparse.ArgumentParser(prog="python -m samples.make", description=__doc__)
    parser.add_argument("scripts", nargs="+", type=Path, metavar="SCRIPT.json")
    for path in parser.parse_args().scripts:
        make(path.with_suffix(".mp4"))


if __name__ == "__main__":
    main()
