"""What is felt in a text, by two classifiers of the hub's kind: one for the seven emotions, one for the three sentiments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from model.checkpoints import require_finite, sha256
from model.device import best_device, has_quick_int8, quick_dtype
from model.eight_bits import into_eight_bits
from model.errors import WeightsRefused
from model.text_tokens import Turn
from model.weight_files import find_emotion, find_sentiment
from schemas.analysis import EMOTIONS, SENTIMENTS, EmotionScores, ModelRef, Scores, SentimentScores

#: Encoders whose code is transformers' own and whose checkpoints are known to work here.
FAMILIES = ("roberta", "xlm-roberta", "distilbert")
#: How many tokens are read together, of texts of nearly one length, padding included: it costs as much as words do.
BATCH_TOKENS = 256
#: Texts as people say them: for an encoder in eight bits they show which of its numbers are loud.
EXAMPLES = (
    "I am so angry, how dare you!",
    "That is disgusting.",
    "Oh my God, I did not see that coming!",
    "I will be there at nine o'clock, with my two sisters and their dog.",
    "No.",
    "So, what do you think about it? I mean, really?",
    "Yeah, thank you very much, that was wonderful.",
    "Please, please help me, I am so scared of them.",
)
#: What such encoders were trained to read at once; an utterance has some 20.
MOST_TOKENS = 512

Floats = npt.NDArray[np.float32]


class _Config(msgspec.Struct, frozen=True):
    """What is read of a checkpoint's config.json before transformers is."""

    model_type: str = ""
    id2label: dict[str, str] = {}
    auto_map: dict[str, Any] | None = None


@dataclass(frozen=True)
class Classifier:
    """One loaded checkpoint; `order` says which of its outputs belongs to each of our classes."""

    ref: ModelRef
    network: Any
    tokenizer: Any
    order: tuple[int, ...]

    def read(self, texts: Sequence[str]) -> Floats:
        """Probabilities [texts, classes] in our order."""
        probabilities = np.zeros((len(texts), len(self.order)), np.float32)
        if not texts:
            return probabilities
        encoded = self.tokenizer(list(texts), truncation=True, max_length=MOST_TOKENS)["input_ids"]
        for chosen in batches([len(one) for one in encoded]):
            probabilities[chosen] = self._read_batch([torch.tensor(encoded[n]) for n in chosen])
        return probabilities

    def _read_batch(self, encoded: list[Tensor]) -> Floats:
        tokens = {name: tensor.to(self.network.device) for name, tensor in _padded(encoded, self.tokenizer).items()}
        with torch.inference_mode():
            logits = self.network(**tokens).logits
        return np.asarray(logits.float().softmax(-1)[:, list(self.order)].cpu().numpy(), np.float32)


def _padded(encoded: list[Tensor], tokenizer: Any) -> dict[str, Tensor]:
    """What an encoder is given: tokens [texts, longest], and where there are any."""
    return {
        "input_ids": pad_sequence(encoded, batch_first=True, padding_value=tokenizer.pad_token_id),
        "attention_mask": pad_sequence([torch.ones_like(one) for one in encoded], batch_first=True),
    }


def batches(lengths: Sequence[int], most: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """The numbers of texts that are read together, shortest first: no more tokens than `most`, each text as long as the longest."""
    chosen: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if chosen and lengths[number] * (len(chosen) + 1) > most:
            yield chosen
            chosen = []
        chosen.append(number)
    if chosen:
        yield chosen


@dataclass(frozen=True)
class CheckpointText:
    """Both classifiers as a TextScorer."""

    emotion: Classifier
    sentiment: Classifier
    languages: tuple[str, ...]
    #: Nobody measured how sure these must be to be relied on.
    certain_from: float = 0.0

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """Both classifiers."""
        return self.emotion.ref, self.sentiment.ref

    def score_many(self, texts: Sequence[str]) -> list[Scores]:
        """What is felt in each utterance, by its words alone."""
        emotions, sentiments = self.probabilities([Turn(text) for text in texts])
        return [
            Scores(emotions=EmotionScores(**_named(EMOTIONS, emotion)), sentiments=SentimentScores(**_named(SENTIMENTS, sentiment)))
            for emotion, sentiment in zip(emotions, sentiments, strict=True)
        ]

    def probabilities(self, said: Sequence[Turn]) -> tuple[Floats, Floats]:
        """Emotion [utterances, 7] and sentiment [utterances, 3] probabilities; what was said before an utterance is not read."""
        texts = [turn.text for turn in said]
        return self.emotion.read(texts), self.sentiment.read(texts)


def _named(names: tuple[str, ...], probabilities: Floats) -> dict[str, float]:
    return {name: round(float(probability), 6) for name, probability in zip(names, probabilities, strict=True)}


def load(folder: Path, emotion: str, sentiment: str, languages: tuple[str, ...]) -> CheckpointText:
    """Load both checkpoints, each a path or a name below `folder`; WeightsMissing, WeightsRefused."""
    return CheckpointText(
        _classifier(find_emotion(folder, emotion), "emotion", emotion, EMOTIONS),
        _classifier(find_sentiment(folder, sentiment), "sentiment", sentiment, SENTIMENTS),
        languages,
    )


def _classifier(path: Path, role: str, name: str, classes: tuple[str, ...]) -> Classifier:
    order = _order(path / "config.json", classes)
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise WeightsRefused(path, "it holds no *.safetensors; other formats may hold code and are never opened")
    device = best_device()
    in_eight_bits = has_quick_int8(device)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        dtype = torch.float32 if in_eight_bits else quick_dtype(device)
        network, loading = AutoModelForSequenceClassification.from_pretrained(
            path, local_files_only=True, use_safetensors=True, dtype=dtype, output_loading_info=True
        )
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise WeightsRefused(path, f"transformers cannot load it: {error}") from error
    if odd := sorted(loading["missing_keys"]) or sorted(loading["mismatched_keys"]):
        raise WeightsRefused(files[0], f"it is of another architecture than config.json says: {odd[0]!r} is missing or of another shape")
    require_finite(files[0], network.state_dict())
    if in_eight_bits:
        # The head stays exact: it costs nothing, and what it reads is already rounded.
        into_eight_bits(network.base_model, _padded([torch.tensor(one) for one in tokenizer(list(EXAMPLES))["input_ids"]], tokenizer))
    ref = ModelRef(role=role, name=name, sha256=sha256([path / "config.json", *files]))
    return Classifier(ref, network.eval().to(device), tokenizer, order)


def _order(config_file: Path, classes: tuple[str, ...]) -> tuple[int, ...]:
    """For each of our classes, the number of the checkpoint's output that has its name."""
    try:
        config = msgspec.json.decode(config_file.read_bytes(), type=_Config)
        outputs = {label.strip().lower(): int(number) for number, label in config.id2label.items()}
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise WeightsRefused(config_file, f"it is no configuration of a checkpoint ({error})") from error
    if config.auto_map:
        raise WeightsRefused(config_file, "it names code of its own, which is never run; use a checkpoint that transformers knows")
    if config.model_type not in FAMILIES:
        raise WeightsRefused(config_file, f"its architecture is {config.model_type!r}, one of {', '.join(FAMILIES)} was expected")
    if len(config.id2label) != len(classes) or set(outputs) != set(classes):
        raise WeightsRefused(config_file, f"its labels are {', '.join(config.id2label.values())}; expected were {', '.join(classes)}")
    return tuple(outputs[name] for name in classes)
