"""The hub profile's real loading and listening code, on tiny checkpoints made here: what it loads, what it refuses, what it hears."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from cli.exits import Exit
from cli.main import run
from media.ranges import MemoryRanges
from model import text_by_checkpoints, words_by_whisper
from model.eight_bits import EightBitLinear
from model.errors import ModelError, WeightsMissing, WeightsRefused
from model.handler import model_fn
from model.pipeline import Pipeline, Video
from model.profiles import HUB, load_models
from model.settings import Settings
from model.voice_segments import VoiceSegment, find_voice
from model.whisper_checkpoint import save_whisper
from model.words_by_whisper import WhisperWords
from samples import sounds
from samples.script import DIALOGUE, ERRAND
from schemas.analysis import EMOTIONS, SENTIMENTS, NoUtterances
from tests.media_samples import raw_sound
from tests.tiny_checkpoints import SCRIPT, scripted_whisper, write_emotion, write_hub, write_sentiment, write_whisper

_SENTENCES = [text for _, _, text in SCRIPT]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[Pipeline]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in write_hub(folder).items():
            patch.setenv(name, value)
        model = model_fn(str(folder))
    yield model
    model.close()


def test_a_video_is_written_down_by_whisper_and_read_by_both_checkpoints(model: Pipeline) -> None:
    analysis = model.analyse(Video(MemoryRanges(ERRAND.read_bytes())))

    # Its attention is not trained, so where inside the voice a word lies means nothing: pauses may cut the second sentence.
    assert analysis.utterances[0].text == _SENTENCES[0]
    assert " ".join(utterance.text for utterance in analysis.utterances) == " ".join(_SENTENCES)
    assert (analysis.profile, analysis.words_from, analysis.language) == ("hub", "whisper", "en")
    assert [ref.role for ref in analysis.models] == ["words", "emotion", "sentiment"]
    for utterance in analysis.utterances:
        assert sum(msgspec.structs.astuple(utterance.scores.emotions)) == pytest.approx(1.0, abs=1e-4)
        assert sum(msgspec.structs.astuple(utterance.scores.sentiments)) == pytest.approx(1.0, abs=1e-4)


def test_every_word_has_a_time_in_which_somebody_speaks_numerals_too(model: Pipeline) -> None:
    spans = [(segment.start, segment.end) for segment in find_voice([sounds.spoken(DIALOGUE)])]

    analysis = model.analyse(Video(MemoryRanges(DIALOGUE.read_bytes())))

    words = [word for utterance in analysis.utterances for word in utterance.words]
    assert {"1999", "1,000"} < {word.text for word in words}
    assert [word.start for word in words] == sorted(word.start for word in words)
    for word in words:
        assert any(start - 0.01 <= word.start <= word.end <= end + 0.01 for start, end in spans), word


@pytest.mark.parametrize("name", ["silence", "a tone", "loud noise"])
def test_a_whisper_that_always_says_something_is_not_asked_where_nobody_speaks(model: Pipeline, name: str) -> None:
    analysis = model.analyse(Video(MemoryRanges(raw_sound(sounds.unspoken(10.0)[name]))))

    assert (analysis.utterances, analysis.reason) == ((), NoUtterances.NO_SPEECH)


def test_the_language_that_was_heard_is_in_the_answer(tmp_path: Path) -> None:
    name = write_whisper(tmp_path, scripted_whisper([(0.0, 1.0, "Je ne sais pas.")], "fr"))

    transcript = words_by_whisper.load(tmp_path, name).transcribe([VoiceSegment(3.0, sounds.spoken(ERRAND)[:32_000])])

    assert transcript.language == "fr"
    assert [word.text for word in transcript.words] == ["Je", "ne", "sais", "pas."]


def test_a_language_that_the_text_models_were_not_trained_on_is_written_down_and_said_to_be_none_of_theirs(
    model: Pipeline, tmp_path: Path
) -> None:
    french = words_by_whisper.load(tmp_path, write_whisper(tmp_path, scripted_whisper([(0.0, 1.0, "Je ne sais pas.")], "fr")))

    analysis = replace(model, words=french).analyse(Video(MemoryRanges(raw_sound(sounds.spoken(ERRAND)[:48_000]))))

    assert [utterance.text for utterance in analysis.utterances] == ["Je ne sais pas."]
    assert (analysis.language, analysis.text_languages, analysis.language_supported) == ("fr", ("en",), False)


def test_two_videos_at_once_are_written_down_as_if_alone(model: Pipeline) -> None:
    videos = [[VoiceSegment(0.0, sounds.spoken(clip)[:48_000])] for clip in (ERRAND, DIALOGUE)]
    alone = [model.words.transcribe(video) for video in videos]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(model.words.transcribe, videos)) == alone


def test_labels_are_read_by_their_names_whatever_their_order(tmp_path: Path) -> None:
    mixed = ("Joy", "fear", "anger", "neutral", "surprise", "sadness", "disgust")
    straight, turned = write_emotion(tmp_path, EMOTIONS, "straight"), write_emotion(tmp_path, mixed, "turned")
    sentiment = write_sentiment(tmp_path)

    (a,), (b,) = (text_by_checkpoints.load(tmp_path, name, sentiment, ("en",)).score_many(["a"]) for name in (straight, turned))

    # The weights are the same: the first output is anger in one and joy in the other.
    assert b.emotions.joy == a.emotions.anger
    assert b.emotions.disgust == a.emotions.surprise


def test_scores_do_not_depend_on_what_is_read_beside(model: Pipeline) -> None:
    texts = ["oh", "I never said that to you", "well", "a"]

    together, alone = model.text.score_many(texts), [model.text.score_many([text])[0] for text in texts]

    for a, b in zip(together, alone, strict=True):
        assert msgspec.structs.astuple(a.emotions) == pytest.approx(msgspec.structs.astuple(b.emotions), abs=5e-3)
    assert model.text.score_many([]) == []


def test_where_eight_bits_are_quick_the_encoders_are_kept_in_them_and_answer_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emotion, sentiment = write_emotion(tmp_path), write_sentiment(tmp_path)
    texts = ["oh", "I never said that to you", "well"]
    read = {}
    for quick in (False, True):
        monkeypatch.setattr(text_by_checkpoints, "has_quick_int8", lambda _, quick=quick: quick)
        read[quick] = text_by_checkpoints.load(tmp_path, emotion, sentiment, ("en",))

    kinds = {type(part) for part in read[True].emotion.network.base_model.modules()}
    assert EightBitLinear in kinds
    assert nn.Linear not in kinds
    assert EightBitLinear not in {type(part) for part in read[False].emotion.network.modules()}
    for a, b in zip(read[False].score_many(texts), read[True].score_many(texts), strict=True):
        assert msgspec.structs.astuple(a.emotions) == pytest.approx(msgspec.structs.astuple(b.emotions), abs=2e-3)


def test_checkpoints_of_the_hub_are_scored_on_a_set_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emotion, sentiment = write_emotion(tmp_path), write_sentiment(tmp_path)
    lines = tmp_path / "lines.csv"
    lines.write_text("Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID\nWell.,neutral,neutral,0,0\nNo!,anger,negative,0,1\n")

    assert run(["model", "score", str(tmp_path), str(lines), "--emotion", emotion, "--sentiment", sentiment]) == Exit.COMPLETED
    said = capsys.readouterr().out
    assert said.startswith(f"{emotion} (")
    assert "on 2 utterances" in said
    assert "| as recognised | sentiment |" in said
    assert run(["model", "score", str(tmp_path), str(lines), "--emotion", emotion]) == Exit.USAGE
    assert run(["model", "score", str(tmp_path), str(lines), "--emotion", "none", "--sentiment", sentiment]) == Exit.USAGE


def test_openai_whispers_own_file_is_loaded_and_makes_the_same_words(tmp_path: Path, folder: Path) -> None:
    network = scripted_whisper()
    torch.save({"dims": vars(network.dims), "model_state_dict": network.state_dict()}, tmp_path / "own.pt")

    segment = VoiceSegment(0.0, sounds.spoken(ERRAND)[:48_000])
    ours = words_by_whisper.load(tmp_path, write_whisper(tmp_path)).transcribe([segment])

    assert words_by_whisper.load(tmp_path, "own").transcribe([segment]) == ours


class _Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        import os

        return os.system, ("touch exploded",)


def _text(folder: Path) -> object:
    return text_by_checkpoints.load(folder, "emotion", "sentiment", ("en",))


def _made(folder: Path) -> Path:
    write_emotion(folder, name="emotion")
    write_sentiment(folder, name="sentiment")
    return folder / "emotion" / "model.safetensors"


def _edited(file: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:1000]), "emotion"),
        (lambda file: file.unlink(), "no \\*.safetensors"),
        (lambda file: file.rename(file.with_name("pytorch_model.bin")), "may hold code"),
        (lambda file: _edited(file, lambda t: t["classifier.out_proj.bias"].fill_(torch.nan)), "'classifier.out_proj.bias' holds numbers"),
        (lambda file: _edited(file, lambda t: t.pop("classifier.out_proj.weight")), "another architecture.*classifier.out_proj.weight"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_refused_by_its_file(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(_made(tmp_path))

    with pytest.raises(WeightsRefused, match=said) as raised:
        _text(tmp_path)
    assert str(tmp_path / "emotion") in str(raised.value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("model_type", "gpt2", "architecture is 'gpt2', one of roberta"),
        ("id2label", {str(n): f"LABEL_{n}" for n in range(7)}, "LABEL_0.*expected were anger, disgust"),
        ("id2label", {str(n): name for n, name in enumerate(SENTIMENTS)}, "labels are negative, neutral, positive"),
        ("auto_map", {"AutoModel": "code.Model"}, "names code of its own"),
        ("id2label", "none", "no configuration"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_by_its_configuration(tmp_path: Path, field: str, value: object, said: str) -> None:
    config = _made(tmp_path).with_name("config.json")
    config.write_bytes(msgspec.json.encode({**msgspec.json.decode(config.read_bytes()), field: value}))

    with pytest.raises(WeightsRefused, match=said):
        _text(tmp_path)


def test_a_whisper_that_holds_code_is_refused_and_its_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bomb.pt").write_bytes(pickle.dumps({"dims": _Bomb(), "model_state_dict": {}}, protocol=2))
    torch.save({"dims": _Bomb(), "model_state_dict": {}}, tmp_path / "zipped.pt")

    for name in ("bomb", "zipped"):
        with pytest.raises(WeightsRefused, match=f"{name}.pt"):
            words_by_whisper.load(tmp_path, name)
    assert not (tmp_path / "exploded").exists()


def test_a_whisper_of_another_shape_or_without_numbers_is_refused(tmp_path: Path) -> None:
    network = scripted_whisper()
    torch.save({"dims": {**vars(network.dims), "n_text_layer": 2}, "model_state_dict": network.state_dict()}, tmp_path / "odd.pt")
    torch.save({"weights": 1}, tmp_path / "other.pt")
    save_file({"a": torch.zeros(1)}, tmp_path / "sizeless.safetensors")
    with torch.no_grad():
        network.decoder.ln.bias[0] = torch.nan
    save_whisper(tmp_path / "nan.safetensors", network)

    save_whisper(tmp_path / "large.safetensors", scripted_whisper())
    for name, said in (
        ("odd", "another architecture"),
        ("large", "another architecture"),
        ("other", "no checkpoint"),
        ("sizeless", "sizes"),
        ("nan", "decoder.ln.bias"),
    ):
        with pytest.raises(WeightsRefused, match=said):
            WhisperWords(next(tmp_path.glob(f"{name}.*")), name)


@pytest.mark.parametrize("missing", ["whisper", "emotion", "sentiment"])
def test_a_missing_weight_names_the_profile_the_file_and_the_command_that_gets_it(model: Pipeline, folder: Path, missing: str) -> None:
    there = Settings(profile=HUB, whisper="tiny-script", emotion="tests/tiny-roberta", sentiment="tests/tiny-distilbert")

    with pytest.raises(WeightsMissing) as raised:
        load_models(msgspec.structs.replace(there, **{missing: "absent/one"}), folder)

    assert isinstance(raised.value, ModelError)
    for part in ("'hub'", str(folder / "absent/one"), f"VALENCE_MODEL_{missing.upper()}=absent/one valence model fetch"):
        assert part in str(raised.value)
