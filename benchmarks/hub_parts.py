"""Where the time of a video goes in the `hub` profile with voice and face: Whisper `small`, RoBERTa-base, DistilBERT-base, ResNet3D-18.

Random weights of the real sizes; Whisper's are made to write down what the dialogue says, so that it decodes as many words as it would.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from media.ranges import FileRanges
from samples.script import DIALOGUE


async def measure() -> dict[str, Any]:
    """Seconds of each part. There is no target: nobody runs this profile on two cores if there is a GPU."""
    return await asyncio.to_thread(_measure)


def _measure() -> dict[str, Any]:
    from benchmarks.checkpoints import write_all, write_fusion
    from model import text
    from model.handler import model_fn
    from model.pipeline import Video
    from model.profiles import BUNDLED_FOLDER

    with tempfile.TemporaryDirectory(prefix="valence-bench-") as name:
        folder = Path(name)
        write_fusion(folder / "fusion", text.load(BUNDLED_FOLDER))
        os.environ.update(write_all(folder) | {"VALENCE_MODEL_FUSION": str(folder / "fusion")})
        began = time.perf_counter()
        model = model_fn(name)
        loaded = time.perf_counter() - began
        try:
            with DIALOGUE.open("rb") as opened:
                video = Video(FileRanges(opened))
                found = model.analyse(video)
        finally:
            model.close()
    return {
        "video_seconds": round(found.media_seconds, 1),
        "utterances": len(found.utterances),
        "loading_seconds": round(loaded, 2),
        "all_seconds": round(found.compute_seconds, 1),
        "seconds_by_part": video.parts.rounded(),
        "passed": len(found.modalities) == 3,
    }
