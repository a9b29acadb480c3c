"""Whole videos through the model: spoken, captioned, silent, soundless, broken."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from media.decoded import Cue
from media.ranges import MemoryRanges
from model.errors import Abandoned, MediaRefused, StorageUnavailable
from model.handler import input_fn, model_fn, output_fn, predict_fn
from model.parts import Part
from model.pipeline import Pipeline, Video
from model.profiles import BUNDLED_FOLDER
from model.word_error import word_error_rate
from samples.script import DIALOGUE, ERRAND, read_script
from schemas.analysis import Analysis, Modality, NoUtterances
from schemas.jobs import AnalysisOptions
from tests.media_samples import FORM, clip, raw_sound, tone

_CAPTIONS = AnalysisOptions(captions=True)


@pytest.fixture(scope="module")
def model() -> Iterator[Pipeline]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VALENCE_MODEL_PROFILE", "bundled")
        model = model_fn(str(BUNDLED_FOLDER))
    yield model
    model.close()


@pytest.fixture(scope="module")
def dialogue(model: Pipeline) -> tuple[Video, Analysis]:
    """The first clip by the four functions that SageMaker calls, as it was analysed and as what."""
    video = input_fn(DIALOGUE.read_bytes(), "video/mp4")
    return video, msgspec.json.decode(output_fn(predict_fn(video, model), "application/json"), type=Analysis)


def _analyse(model: Pipeline, data: bytes, options: AnalysisOptions | None = None) -> Analysis:
    return model.analyse(Video(MemoryRanges(data), options or AnalysisOptions()))


def test_the_four_functions_turn_a_video_into_an_analysis(dialogue: tuple[Video, Analysis]) -> None:
    video, analysis = dialogue

    script = read_script(DIALOGUE)
    assert word_error_rate(script.text, " ".join(utterance.text for utterance in analysis.utterances)) < 0.22
    assert len(analysis.utterances) == len(script.lines)
    assert analysis.words_from == "pocketsphinx"
    assert [ref.role for ref in analysis.models] == ["words", "text"]
    assert analysis.modalities == (Modality.TEXT,)
    assert analysis.reason is None
    assert analysis.media_seconds == pytest.approx(44.2, abs=0.2)
    assert analysis.compute_seconds > 0
    assert {part for part, seconds in video.parts.seconds.items() if seconds} == set(Part)


def test_moods_are_read_from_what_was_heard(dialogue: tuple[Video, Analysis]) -> None:
    written = [line.mood for line in read_script(DIALOGUE).lines]
    read = [utterance.scores.emotion for utterance in dialogue[1].utterances]
    assert sum(a == b for a, b in zip(written, read, strict=True)) >= 7  # measured: 9 of 11


def test_a_caption_track_gives_the_words_when_it_is_asked_for(model: Pipeline) -> None:
    analysis = _analyse(model, ERRAND.read_bytes(), _CAPTIONS)

    assert [utterance.text for utterance in analysis.utterances] == [line.text for line in read_script(ERRAND).lines]
    assert analysis.words_from == "captions"
    assert [ref.role for ref in analysis.models] == ["text"]


def test_captions_beside_the_video_come_before_its_track(model: Pipeline) -> None:
    cues = (Cue(start=1.0, end=2.0, text="I am so happy!"),)
    video = Video(MemoryRanges(ERRAND.read_bytes()), _CAPTIONS, lambda: cues)

    assert [utterance.text for utterance in model.analyse(video).utterances] == ["I am so happy!"]


def test_without_captions_the_recogniser_listens_even_when_captions_were_asked_for(model: Pipeline) -> None:
    analysis = _analyse(model, clip(captions=((0.0, 1.0, b"[music]"),)), _CAPTIONS)

    assert analysis.words_from == "pocketsphinx"


def test_noise_is_not_taken_for_words(model: Pipeline) -> None:
    noise = 0.2 * np.random.default_rng(1).normal(size=160_000).astype(np.float32)

    for sound in (noise, tone(10.0, 16_000)):
        assert _analyse(model, raw_sound(sound)).reason is NoUtterances.NO_SPEECH


def test_a_video_without_sound_has_an_analysis_that_says_so(model: Pipeline) -> None:
    analysis = _analyse(model, clip(audio=None))

    assert (analysis.reason, analysis.utterances, analysis.words_from) == (NoUtterances.NO_AUDIO, (), None)
    assert analysis.models == ()


def test_a_silent_video_has_an_analysis_that_says_that_nobody_spoke(model: Pipeline) -> None:
    analysis = _analyse(model, raw_sound(np.zeros(32_000, np.float32)))

    assert (analysis.reason, analysis.utterances, analysis.words_from) == (NoUtterances.NO_SPEECH, (), "pocketsphinx")
    assert [ref.role for ref in analysis.models] == ["words"]


def test_a_video_that_breaks_off_keeps_what_was_said_until_there(model: Pipeline) -> None:
    data = DIALOGUE.read_bytes()

    analysis = _analyse(model, data[: len(data) // 2])

    assert len(analysis.utterances) >= 3
    assert analysis.gaps


def test_a_file_that_is_no_media_is_refused_with_the_medias_own_code(model: Pipeline) -> None:
    with pytest.raises(MediaRefused) as raised:
        _analyse(model, FORM)

    assert raised.value.code == "form_data"
    assert not raised.value.retryable


def test_an_analysis_that_nobody_waits_for_ends(model: Pipeline) -> None:
    video = Video(MemoryRanges(DIALOGUE.read_bytes()))
    video.gone.set()

    with pytest.raises(Abandoned):
        model.analyse(video)
    assert video.parts.seconds[Part.TEXT] == 0


def test_an_error_of_the_source_is_not_taken_for_the_medias(model: Pipeline) -> None:
    class Away:
        size = 1000

        def read_range(self, offset: int, length: int) -> bytes:
            raise StorageUnavailable("away")

    with pytest.raises(StorageUnavailable):
        model.analyse(Video(Away()))
