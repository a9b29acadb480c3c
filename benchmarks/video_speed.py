"""How long a ten-minute video takes in the `bundled` profile, beside the obvious way, and where the time goes.

Both are loaded before, then one goes after the other in one process over the same file, once. Ten minutes are the dialogue fourteen times
over, so that a second round shows what the first does; three did not end within the time that a benchmark may take on two cores.
"""

from __future__ import annotations

import asyncio
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
VIDEO_SECONDS, THREADS = 600.0, 2


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
    try:
        with tempfile.TemporaryDirectory(prefix="valence-bench-") as folder:
            file = Path(folder) / "ten-minutes.mp4"
            write_long(file, VIDEO_SECONDS)
            began = time.perf_counter()
            expected = obvious.analyse(file, decoder, plain)
            theirs = time.perf_counter() - began
            with file.open("rb") as opened:
                video = Video(FileRanges(opened))
                began = time.perf_counter()
                found = pipeline.analyse(video)
                ours = time.perf_counter() - began
    finally:
        pipeline.close()
    ratio = theirs / ours
    return {
        "video_seconds": found.media_seconds,
        "rounds": "1: one took the place of three, to end in time",
        "the_obvious_way_seconds": round(theirs, 2),
        "pipeline_seconds": round(ours, 2),
        "times_the_obvious_way": round(ratio, 2),
        "seconds_of_video_a_second": round(found.media_seconds / ours, 1),
        "seconds_by_part": video.parts.rounded(),
        **_alike(found, expected),
        "target_ratio": TARGET_RATIO,
        "passed": ratio >= TARGET_RATIO,
    }


def _alike(found: Analysis, expected: list[tuple[str, obvious.Judged]]) -> dict[str, Any]:
    """What the two ways agree on; their sound differs in the last of sixteen bits, and a word may change with it."""
    felt = {(said, EMOTIONS[emotions.index(max(emotions))]) for said, (emotions, _) in expected}
    same = sum((utterance.text, utterance.scores.emotion) in felt for utterance in found.utterances)
    return {"utterances": len(found.utterances), "the_obvious_ways_utterances": len(expected), "same_words_and_emotion": same}
