"""How long a ten-minute video takes in the `bundled` profile, beside the obvious way, and where the time goes.

Both are loaded before, then take turns in one process on the same file; a figure is the median of its rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import obvious
from benchmarks.long_videos import write_long
from media.limits import MediaLimits
from media.pool import MediaPool
from media.ranges import FileRanges
from model.pipeline import Pipeline, Video
from model.profiles import BUNDLED, BUNDLED_FOLDER, load_models
from model.settings import Settings
from schemas.analysis import EMOTIONS, Analysis

TARGET_RATIO = 1.6
ROUNDS, VIDEO_SECONDS, THREADS = 3, 600.0, 2


async def measure() -> dict[str, Any]:
    """Seconds of both ways, the seconds of each part of ours, and how many utterances and emotions both have alike."""
    return await asyncio.to_thread(_measure)


def _measure() -> dict[str, Any]:
    from pocketsphinx import Decoder

    from model import text
    from model.voice_segments import SAMPLE_RATE

    models = load_models(Settings(profile=BUNDLED, recogniser_processes=THREADS), BUNDLED_FOLDER)
    media = MediaPool(MediaLimits(), size=1)
    media.start()
    pipeline = Pipeline(profile=BUNDLED, media=media, words=models.words, text=models.text)
    decoder, plain = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL"), text.load(BUNDLED_FOLDER, THREADS)
    ours: list[float] = []
    theirs: list[float] = []
    try:
        with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
            file = Path(folder) / "ten-minutes.mp4"
            write_long(file, VIDEO_SECONDS)
            for _ in range(ROUNDS):
                began = time.perf_counter()
                expected = obvious.analyse(file, decoder, plain)
                theirs.append(time.perf_counter() - began)
                with file.open("rb") as opened:
                    video = Video(FileRanges(opened))
                    began = time.perf_counter()
                    found = pipeline.analyse(video)
                    ours.append(time.perf_counter() - began)
    finally:
        pipeline.close()
    ratio = statistics.median(theirs) / statistics.median(ours)
    return {
        "video_seconds": found.media_seconds,
        "rounds": ROUNDS,
        "the_obvious_way_seconds": round(statistics.median(theirs), 2),
        "pipeline_seconds": round(statistics.median(ours), 2),
        "times_the_obvious_way": round(ratio, 2),
        "seconds_of_video_a_second": round(found.media_seconds / statistics.median(ours), 1),
        "seconds_by_part_in_the_last_round": video.parts.rounded(),
        **_alike(found, expected),
        "target_ratio": TARGET_RATIO,
        "passed": ratio >= TARGET_RATIO,
    }


def _alike(found: Analysis, expected: list[tuple[str, obvious.Judged]]) -> dict[str, Any]:
    """What the two ways agree on; their sound differs in the last of sixteen bits, and a word may change with it."""
    felt = {(said, EMOTIONS[emotions.index(max(emotions))]) for said, (emotions, _) in expected}
    same = sum((utterance.text, utterance.scores.emotion) in felt for utterance in found.utterances)
    return {"utterances": len(found.utterances), "the_obvious_ways_utterances": len(expected), "same_words_and_emotion": same}
