"""Videos that are unusual or broken, through the whole bundled model: what can be read is analysed, and what cannot is said."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from media.decoded import Cue
from media.ranges import MemoryRanges
from model.errors import MediaRefused
from model.handler import model_fn
from model.pipeline import Pipeline, Video
from model.profiles import BUNDLED_FOLDER
from model.word_error import word_error_rate
from samples.script import DIALOGUE, ERRAND, read_script
from samples.sounds import RATE, spoken
from schemas.analysis import Analysis
from schemas.jobs import AnalysisOptions
from tests.media_samples import encode_sound, raw_sound, surround

Sound = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def model() -> Iterator[Pipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VALENCE_MODEL_PROFILE", "bundled")
        model = model_fn(str(BUNDLED_FOLDER))
    yield model
    model.close()


def _analyse(model: Pipeline, data: bytes) -> Analysis:
    return model.analyse(Video(MemoryRanges(data)))


def _words(analysis: Analysis) -> str:
    return " ".join(utterance.text for utterance in analysis.utterances)


def _video(path: Path, sound: Sound, times: list[int]) -> bytes:
    """An MP4 with this sound, and pictures at these times in milliseconds."""
    with av.open(path, "w", format="mp4") as output:
        pictures = output.add_stream("libx264", rate=Fraction(1000, 1))
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        pictures.codec_context.time_base = Fraction(1, 1000)
        track = output.add_stream("aac", rate=48_000)
        track.layout = "mono"
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), time % 256, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
        encode_sound(output, track, sound)
    return path.read_bytes()


@pytest.fixture(scope="module")
def said() -> Sound:
    """The second clip at 48 kHz."""
    sound = spoken(ERRAND)
    return np.interp(np.arange(len(sound) * 3) / 3, np.arange(len(sound)), sound).astype(np.float32)


def test_what_eight_channels_say_is_understood_as_well_as_from_one(model: Pipeline) -> None:
    analysis = _analyse(model, surround(spoken(ERRAND), "7.1"))

    assert word_error_rate(read_script(ERRAND).text, _words(analysis)) < 0.12


def test_pictures_at_uneven_times_move_no_word(model: Pipeline, tmp_path: Path, said: Sound) -> None:
    uneven = [*range(0, 1000, 20), *range(1000, 9000, 500), *range(9000, 12_000, 33)]

    analysis = _analyse(model, _video(tmp_path / "clip", said, uneven))

    for utterance, line in zip(analysis.utterances, read_script(ERRAND).lines, strict=True):
        assert utterance.start == pytest.approx(line.start, abs=0.3)


def test_words_before_and_after_a_corrupted_middle_are_kept_and_the_gap_is_told(model: Pipeline) -> None:
    data = bytearray(DIALOGUE.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 20] = np.random.default_rng(3).bytes(len(data) // 20)

    analysis = _analyse(model, bytes(data))

    times = [word.start for utterance in analysis.utterances for word in utterance.words]
    assert analysis.gaps
    assert min(times) < 5.0
    assert max(times) > 35.0


def test_five_hours_of_sound_are_refused(model: Pipeline) -> None:
    """By the limit that is set by itself; the sound is one of 4,000 samples a second so that the file stays small."""
    with pytest.raises(MediaRefused, match="7200 seconds") as raised:
        _analyse(model, raw_sound(np.zeros(5 * 3600 * 4000, np.float32), rate=4000))
    assert (raised.value.code, raised.value.retryable) == ("too_long", False)


def test_captions_that_go_on_after_the_sound_are_kept_and_told(model: Pipeline) -> None:
    cues = (Cue(start=1.0, end=2.0, text="I am so happy!"), Cue(start=100.0, end=102.0, text="This is another video."))

    analysis = model.analyse(Video(MemoryRanges(ERRAND.read_bytes()), AnalysisOptions(captions=True), lambda: cues))

    assert len(analysis.utterances) == 2
    (gap,) = analysis.gaps
    assert gap.start == pytest.approx(17.0, abs=0.1)
    assert gap.end == 102.0
    assert "captions go on" in gap.reason


def test_two_videos_at_once_each_get_their_own_words(model: Pipeline) -> None:
    begins = read_script(DIALOGUE).lines[:4]
    beginning = raw_sound(spoken(DIALOGUE)[: round(RATE * (begins[-1].end + 0.2))])

    with ThreadPoolExecutor(2) as threads:
        errand, dialogue = threads.map(lambda data: _analyse(model, data), (ERRAND.read_bytes(), beginning))

    assert word_error_rate(read_script(ERRAND).text, _words(errand)) < 0.12
    assert word_error_rate(" ".join(line.text for line in begins), _words(dialogue)) < 0.22
