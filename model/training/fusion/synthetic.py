"""A small data set in MELD's form, made by this program: text, voice and face each carry a third of the label, and nothing else does.

The seven emotions are numbered 1 to 7. The words tell the first binary digit of the number, the voice the second, the face the third: of
any one of them alone at most two labels in seven can be told, of two of them four, of all three all.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from media.decoded import SAMPLE_RATE
from model.face import Trunk
from model.faces import Crop
from model.fusion import FaceSpec, VoiceSpec
from model.training.fusion.dataset import VIDEO_FOLDERS
from model.training.fusion.recipe import Recipe
from schemas.analysis import EMOTIONS

_SENTIMENTS = ("negative", "negative", "negative", "positive", "neutral", "negative", "positive")
_WORDS = (
    ("I hate this, it is horrible.", "You are disgusting, go away!", "No, this is terrible, I hate you.", "It makes me so angry and sad."),
    ("I love this, it is wonderful.", "I am so happy for you!", "Yes, this is great, thank you.", "What a beautiful day, I love it."),
)
#: Towers that learn it within a minute on one core, and a recipe for them.
VOICE = VoiceSpec(channels=(8, 16, 24))
FACE = FaceSpec(trunk=Trunk.SMALL, frames=4, size=32, crop=Crop.WHOLE)
RECIPE = Recipe(epochs=12, patience=4, batch=28, rate=4e-3)
_FRAMES_PER_SECOND, _SIDE = 8, 64
#: Samples of each emotion in a split.
SIZES = {"train": 28, "dev": 8, "test": 12}


def make_dataset(folder: Path, seed: int = 0) -> None:
    """Write tables and videos. The same seed gives the same words, sounds and pictures."""
    random = np.random.default_rng(seed)
    for split, each in SIZES.items():
        videos = folder / VIDEO_FOLDERS[split]
        videos.mkdir(parents=True, exist_ok=True)
        emotions = random.permutation(np.repeat(np.arange(len(EMOTIONS)), each)).tolist()
        with (folder / f"{split}_sent_emo.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"])
            for number, emotion in enumerate(emotions):
                words, voice, face = (emotion + 1) & 1, (emotion + 1) >> 1 & 1, (emotion + 1) >> 2 & 1
                said = str(random.choice(_WORDS[words]))
                table.writerow([number + 1, said, "Nobody", EMOTIONS[emotion], _SENTIMENTS[emotion], number, 0])
                seconds = float(random.uniform(0.8, 1.6))
                _write(videos / f"dia{number}_utt0.mp4", _sound(voice, seconds, random), _pictures(face, seconds, random))


def _sound(digit: int, seconds: float, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """A hummed glide: downwards for 0, upwards for 1; how high, how loud and how noisy it is tells nothing."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    low = random.uniform(150, 250)
    course = time / seconds if digit else 1 - time / seconds
    phase = 2 * np.pi * np.cumsum(low * (1 + 1.5 * course)) / SAMPLE_RATE
    hum = sum(np.sin(n * phase) / n for n in range(1, 6))
    return np.asarray(random.uniform(0.1, 0.25) * hum + 0.003 * random.normal(size=len(time)), np.float32)


def _pictures(digit: int, seconds: float, random: np.random.Generator) -> list[npt.NDArray[np.uint8]]:
    """A round face whose mouth is shut for 0 and wide open for 1; where it is and in what light tells nothing."""
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE]
    x, y, light = random.uniform(26, 38), random.uniform(26, 38), random.uniform(0.6, 1.0)
    pictures = []
    for number in range(max(2, round(seconds * _FRAMES_PER_SECOND))):
        across, down = columns - x - np.sin(number / 2), rows - y
        head = across**2 + down**2 < 24**2
        eyes = (np.abs(np.abs(across) - 9) < 4) & (np.abs(down + 8) < 4)
        mouth = (across / 13) ** 2 + ((down - 10) / (10 if digit else 2)) ** 2 < 1
        picture = np.full((_SIDE, _SIDE, 3), 60.0)
        picture[head] = (230, 190, 150)
        picture[head & (eyes | mouth)] = (40, 20, 20)
        pictures.append(np.clip(light * picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8))
    return pictures


def _write(path: Path, sound: npt.NDArray[np.float32], pictures: list[npt.NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w", format="mp4") as output:
        video, audio = output.add_stream("libx264", rate=_FRAMES_PER_SECOND), output.add_stream("aac", rate=SAMPLE_RATE)
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        video.width, video.height, video.pix_fmt, audio.layout = _SIDE, _SIDE, "yuv420p", "mono"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _FRAMES_PER_SECOND)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for start in range(0, len(sound), 1024):
            heard = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="flt", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            output.mux(audio.encode(heard))
        output.mux(audio.encode(None))
