"""What is felt in a text: seven emotion and three sentiment probabilities, by a small encoder that the repository carries.

Runs on ONNX Runtime; torch is needed only to train it (`model.training`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from model.errors import OutOfMemory, WeightsUnreadable
from model.plain_text import is_as_recognised
from model.text_tokens import Batch, TextTokens, Turn, turns
from schemas.analysis import EMOTIONS, SENTIMENTS, EmotionScores, ModelRef, Scores, SentimentScores

#: The files in a model folder that are the text model.
WEIGHTS_FILE = "text-encoder.onnx"
TOKENIZER_FILE = "text-tokenizer.json"
#: What a weights file says of itself, beside its graph.
FORMAT = "valence-text-encoder-1"
INPUTS = ("ids", "mask", "segments")
HEADS = {"emotion": EMOTIONS, "sentiment": SENTIMENTS}
#: What it gives, and how wide each is; the embedding is what the heads are taken from.
OUTPUTS = {"emotion": len(EMOTIONS), "sentiment": len(SENTIMENTS), "embedding": 384}

#: Utterances scored at once; they are sorted by length first, so that little of a batch is padding.
_TOGETHER = 16

Floats = npt.NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Turn logits [..., classes] into probabilities."""
    exponents = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float64))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), np.float32)


class Temperatures(NamedTuple):
    """What a head's logits are divided by: of words without capitals and marks, as a recogniser writes them, it is surer than it may be."""

    written: float
    recognised: float

    def of(self, recognised: npt.NDArray[np.bool_]) -> Floats:
        """The temperature of each utterance, [utterances, 1]; `recognised` [utterances] says which are a recogniser's."""
        return np.where(recognised, self.recognised, self.written).astype(np.float32)[:, None]


@dataclass(frozen=True)
class TextModel:
    """A loaded text model; any number of threads may use it at the same time.

    `ref` names the weights and their hash, `languages` are those it was trained on, `temperatures` are what calibrates each head, and below
    a probability of `certain_from` the most probable emotion should not be relied on.
    """

    ref: ModelRef
    languages: tuple[str, ...]
    certain_from: float
    temperatures: Mapping[str, Temperatures]
    session: onnxruntime.InferenceSession
    tokens: TextTokens

    @property
    def refs(self) -> tuple[ModelRef, ...]:
        """The weights, as an analysis names them."""
        return (self.ref,)

    def score_many(self, texts: Sequence[str]) -> list[Scores]:
        """What is felt in each utterance of one video, by its words and those before it; `texts` in the order in which they were said."""
        emotions, sentiments = self.probabilities(turns(texts))
        return [
            Scores(
                emotions=EmotionScores(**dict(zip(EMOTIONS, _rounded(emotion), strict=True))),
                sentiments=SentimentScores(**dict(zip(SENTIMENTS, _rounded(sentiment), strict=True))),
            )
            for emotion, sentiment in zip(emotions, sentiments, strict=True)
        ]

    def probabilities(self, said: Sequence[Turn]) -> tuple[Floats, Floats]:
        """Calibrated emotion [utterances, 7] and sentiment [utterances, 3] probabilities, of any utterances in any order."""
        found = self.logits(said)
        recognised = np.array([is_as_recognised(turn.text) for turn in said], bool)
        emotion, sentiment = (softmax(found[head] / self.temperatures[head].of(recognised)) for head in HEADS)
        return emotion, sentiment

    def embed(self, texts: Sequence[str]) -> Floats:
        """What a fusion with voice and face reads of each utterance of one video, [texts, width]: the encoder's mean over its words."""
        return self._run(turns(texts))["embedding"]

    def logits(self, said: Sequence[Turn]) -> dict[str, Floats]:
        """What the heads give before they are calibrated, [utterances, classes] by head."""
        found = self._run(said)
        return {head: found[head] for head in HEADS}

    def _run(self, said: Sequence[Turn]) -> dict[str, Floats]:
        encoded = [self.tokens.encode(turn) for turn in said]
        order = sorted(range(len(said)), key=lambda place: len(encoded[place][0]))
        found = {name: np.zeros((len(said), width), np.float32) for name, width in OUTPUTS.items()}
        for first in range(0, len(order), _TOGETHER):
            chosen = order[first : first + _TOGETHER]
            batch = self.tokens.batch([encoded[place] for place in chosen])
            answers = self._answers(batch)
            for name, answer in zip(OUTPUTS, answers, strict=True):
                found[name][chosen] = answer
        return found

    def _answers(self, batch: Batch) -> list[Floats]:
        given = dict(zip(INPUTS, batch, strict=True))
        try:
            answers: list[Floats] = self.session.run(list(OUTPUTS), given)
        except Exception as error:
            if OutOfMemory.is_meant_by(error):
                self._give_back()
            raise
        return answers

    def _give_back(self) -> None:
        """Free what ONNX Runtime keeps for the next batch: after one that found no memory, it keeps all that there was."""
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")  # after a run, so one of the smallest batch
        smallest = self.tokens.batch([self.tokens.encode(Turn(""))])
        self.session.run(list(OUTPUTS), dict(zip(INPUTS, smallest, strict=True)), options)


def _rounded(probabilities: Floats) -> list[float]:
    # Six places are more than the weights know, and half the size of the document.
    return [round(float(probability), 6) for probability in probabilities]


def load(folder: Path, threads: int = 1) -> TextModel:
    """Read the text model of a model folder, to run on so many threads.

    Raises WeightsUnreadable, which names the file, where one is missing, damaged, or is not what it should be.
    """
    weights, tokenizer = _content(folder / WEIGHTS_FILE), _content(folder / TOKENIZER_FILE)
    session = _session(folder / WEIGHTS_FILE, weights, threads)
    said: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if said.get("tokenizer_sha256") != hashlib.sha256(tokenizer).hexdigest():
        raise WeightsUnreadable(folder / TOKENIZER_FILE, f"it is not the tokenizer that {WEIGHTS_FILE} was trained with")
    try:
        model = TextModel(
            ref=ModelRef(role="text", name=said["name"], sha256=hashlib.sha256(weights).hexdigest()),
            languages=tuple(said["languages"].split()),
            certain_from=float(said["certain_from"]),
            temperatures={head: _temperatures(head, said) for head in HEADS},
            session=session,
            tokens=TextTokens(Tokenizer.from_buffer(tokenizer)),
        )
    except (KeyError, ValueError) as error:
        raise WeightsUnreadable(folder / WEIGHTS_FILE, f"what it says of itself is not complete: {error!r}") from error
    if not all(np.isfinite(values).all() for values in model.probabilities([Turn("It works.")])):
        raise WeightsUnreadable(folder / WEIGHTS_FILE, "it holds values that are no numbers: its answers are not finite")
    return model


def _temperatures(head: str, said: Mapping[str, str]) -> Temperatures:
    return Temperatures(*(float(said[f"{head}_temperature_{form}"]) for form in Temperatures._fields))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsUnreadable(path, str(error)) from error


def _session(path: Path, content: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that waits must not spin: the recogniser needs the processor.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        # From memory, so that the hash is that of what runs, and no file can name another outside the folder.
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common ancestor but this
        raise WeightsUnreadable(path, str(error)) from error
    inputs = tuple(taken.name for taken in session.get_inputs())
    outputs = {given.name: (given.shape or [None])[-1] for given in session.get_outputs()}
    if inputs != INPUTS or outputs != OUTPUTS or session.get_modelmeta().custom_metadata_map.get("format") != FORMAT:
        raise WeightsUnreadable(path, f"it is no {FORMAT}: it takes {inputs} and gives {outputs}, expected {INPUTS} and {OUTPUTS}")
    return session
