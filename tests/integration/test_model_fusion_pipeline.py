"""A fusion in the pipeline: voice and face beside the words, alone where there are none, and the same however busy it is."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

from media.decoded import Cue
from media.limits import MediaLimits
from media.pool import MediaPool
from media.ranges import MemoryRanges
from model.errors import FusionRefused
from model.feelings import Fusion
from model.fusion_checkpoint import CONFIG_FILE
from model.handler import model_fn
from model.pipeline import Pipeline, Video
from model.profiles import BUNDLED_FOLDER
from model.training.fusion.dataset import Sample, read_split
from model.voice_segments import VoiceSegment
from model.words import Transcript
from samples import sounds
from samples.script import ERRAND
from schemas.analysis import EMOTIONS, Modality, ModelRef, NoUtterances
from schemas.jobs import AnalysisOptions
from tests.fusion_training import TEXT, trained
from tests.media_samples import clip, raw_sound


class HearsNothing:
    """Listens and understands no word."""

    name = "nobody"
    ref = ModelRef(role="words", name="nobody", sha256="0" * 64)

    def transcribe(self, segments: Iterable[VoiceSegment]) -> Transcript:
        for _ in segments:
            pass
        return Transcript(words=())

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def model() -> Iterator[Pipeline]:
    media = MediaPool(MediaLimits(), size=2)
    senses = Fusion(trained()[0].output, TEXT)
    made = Pipeline(profile="bundled", media=media, words=HearsNothing(), text=TEXT, senses=senses)
    yield made
    made.close()


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return read_split(trained()[0].dataset, "test", videos=True)[:12]


def spoken(sample: Sample) -> Video:
    """The clip with its words beside it."""
    assert sample.video is not None
    cues = (Cue(start=0.0, end=0.75, text=sample.text),)
    return Video(MemoryRanges(sample.video.read_bytes()), AnalysisOptions(captions=True), lambda: cues)


def spoken_in_silence(words: str) -> Video:
    """Captions where there is neither a picture nor a sound."""
    cues = (Cue(start=50.0, end=51.0, text=words),)
    return Video(MemoryRanges(raw_sound(np.zeros(16_000, np.float32))), AnalysisOptions(captions=True), lambda: cues)


def test_an_utterance_shows_what_each_modality_says_beside_the_answer(model: Pipeline, samples: list[Sample]) -> None:
    analyses = [model.analyse(spoken(sample)) for sample in samples]

    for analysis in analyses:
        (utterance,) = analysis.utterances
        assert set(utterance.modalities) == set(Modality)
        assert utterance.agreement is not None
        assert 0 < utterance.agreement < 1
        assert utterance.modalities[Modality.TEXT] == model.text.score_many([utterance.text])[0]
        assert analysis.modalities == tuple(Modality)
        assert [ref.role for ref in analysis.models] == ["text", "fusion"]
        assert analysis.moments == ()
    right = [analysis.utterances[0].scores.emotion == EMOTIONS[sample.emotion] for analysis, sample in zip(analyses, samples, strict=True)]
    assert sum(right) >= 9, "each third of the label reached the answer"


def test_two_videos_at_once_are_judged_as_if_alone(model: Pipeline, samples: list[Sample]) -> None:
    def felt(sample: Sample) -> object:
        return model.analyse(spoken(sample)).utterances

    alone = [felt(sample) for sample in samples[:4]]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(felt, samples[:4])) == alone


def test_where_there_are_only_words_the_answer_is_the_text_models(model: Pipeline) -> None:
    (utterance,) = model.analyse(spoken_in_silence("I am so happy!")).utterances

    assert utterance.modalities == {Modality.TEXT: utterance.scores}
    assert utterance.agreement is None


@pytest.mark.parametrize(("of_the_words", "of_the_fusion"), [(0.0, 1.0), (1.0, 0.0)])
def test_an_answer_is_uncertain_by_the_threshold_of_what_gave_it(
    model: Pipeline, samples: list[Sample], tmp_path: Path, of_the_words: float, of_the_fusion: float
) -> None:
    shutil.copytree(trained()[0].output, tmp_path, dirs_exist_ok=True)
    config = msgspec.json.decode((tmp_path / CONFIG_FILE).read_bytes())
    doubting = {"certain_from": of_the_fusion, "temperatures": {"fused": {"emotion": 50.0}}}  # so that nothing has a probability of 1
    (tmp_path / CONFIG_FILE).write_bytes(msgspec.json.encode({**config, **doubting}))
    senses, text = Fusion(tmp_path, TEXT), dataclasses.replace(TEXT, certain_from=of_the_words)
    asked = dataclasses.replace(model, senses=senses, text=text)

    (fused,) = asked.analyse(spoken(samples[0])).utterances
    (words_alone,) = asked.analyse(spoken_in_silence("Was that the door?")).utterances

    assert fused.uncertain == (of_the_fusion == 1.0)
    assert words_alone.uncertain == (of_the_words == 1.0)


def test_a_video_without_sound_says_so_and_shows_what_its_faces_do(model: Pipeline) -> None:
    analysis = model.analyse(Video(MemoryRanges(clip(audio=None, seconds=24.0))))

    assert (analysis.utterances, analysis.reason) == ((), NoUtterances.NO_AUDIO)
    assert [(round(moment.start), round(moment.end)) for moment in analysis.moments] == [(0, 12), (12, 24)]
    assert all(set(moment.modalities) == {Modality.FACE} and moment.agreement is None for moment in analysis.moments)
    assert analysis.modalities == (Modality.FACE,)
    assert [ref.role for ref in analysis.models] == ["fusion"]


def test_a_voice_whose_words_nobody_understands_is_judged_by_its_sound(model: Pipeline) -> None:
    analysis = model.analyse(Video(MemoryRanges(raw_sound(sounds.spoken(ERRAND)))))

    assert (analysis.utterances, analysis.reason) == ((), NoUtterances.NO_SPEECH)
    assert analysis.moments
    assert all(set(moment.modalities) == {Modality.VOICE} for moment in analysis.moments)
    assert analysis.modalities == (Modality.VOICE,)


def test_a_file_without_pictures_is_judged_by_words_and_voice(model: Pipeline) -> None:
    cues = (Cue(start=1.0, end=3.0, text="I am so happy!"),)
    heard = Video(MemoryRanges(raw_sound(sounds.spoken(ERRAND))), AnalysisOptions(captions=True), lambda: cues)

    (utterance,) = model.analyse(heard).utterances

    assert set(utterance.modalities) == {Modality.TEXT, Modality.VOICE}
    assert utterance.agreement is not None


def test_silence_is_not_judged_by_its_voice(model: Pipeline) -> None:
    analysis = model.analyse(Video(MemoryRanges(raw_sound(np.zeros(80_000, np.float32)))))

    assert (analysis.reason, analysis.moments, analysis.modalities) == (NoUtterances.NO_SPEECH, (), ())


def test_a_fusion_for_another_text_model_is_refused() -> None:
    class Other:
        ref = ModelRef(role="text", name="another", sha256="f" * 64)
        embed = TEXT.embed

    with pytest.raises(FusionRefused, match="train it again"):
        Fusion(trained()[0].output, Other())


def test_a_fusion_that_is_named_and_missing_keeps_the_model_from_loading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VALENCE_MODEL_PROFILE", "bundled")
    monkeypatch.setenv("VALENCE_MODEL_FUSION", str(tmp_path / "nothing"))
    with pytest.raises(FusionRefused, match="nothing"):
        model_fn(str(BUNDLED_FOLDER))


def test_without_a_fusion_neither_torch_nor_opencv_is_loaded() -> None:
    asked = "import sys, model.handler, model.pipeline, model.senses; print({'torch', 'cv2', 'torchvision'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "set()"
