"""Checkpoints of the hub profile's three kinds, made in a second: random or scripted weights in the real formats.

The Whisper says a given script whatever it hears: the residual branches of its decoder are silent, so that a logit depends on the token's
place alone, and the positional embedding of each place points at the script's token for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from model.whisper_checkpoint import save_whisper
from schemas.analysis import EMOTIONS, SENTIMENTS

#: A line of the script: start and end in seconds of a window, and what is said.
Line = tuple[float, float, str]
SCRIPT: tuple[Line, ...] = (
    (0.0, 1.2, "I can't believe you did that!"),
    (1.4, 2.4, "In 1999 we paid 1,000 dollars."),
)
#: A decoder says at most half as many tokens a window as it has places, here 64, and an unsure one says as many as it can.
_WHISPER = ModelDimensions(80, 1500, 64, 2, 1, 51_865, 64, 64, 2, 1)
_ROBERTA = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 300}
_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "vocab_size": 100}
_LOUD = 12.0


def scripted_whisper(
    lines: Sequence[Line] = SCRIPT, language: str = "en", *, doubts: int = 0, leaning: float = 1.0, dimensions: ModelDimensions = _WHISPER
) -> Whisper:
    """A Whisper, by itself of 7 MB, that answers every window with the same lines and holds `doubts` other tokens for as likely.

    It leans towards the lines where `leaning` is above 1.
    """
    torch.manual_seed(0)
    tokens = get_tokenizer(True, num_languages=99, language=language, task="transcribe")
    network = Whisper(dimensions)
    said = [
        token
        for start, end, text in lines
        for token in (tokens.timestamp_begin + round(start / 0.02), *tokens.encode(f" {text}"), tokens.timestamp_begin + round(end / 0.02))
    ]
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.05)
        for block in network.decoder.blocks:
            for layer in (block.attn.out, block.cross_attn.out, block.mlp[2]):
                layer.weight.zero_()
                layer.bias.zero_()
        directions = torch.randn(network.dims.n_vocab, network.dims.n_text_state)
        directions -= directions.mean(1, keepdim=True)
        directions *= 8 / directions.norm(dim=1, keepdim=True)
        network.decoder.token_embedding.weight.copy_(directions)
        places = network.decoder.positional_embedding.zero_()
        places[0] = _LOUD * directions[tokens.to_language_token(language)]
        first = len(tokens.sot_sequence) - 1
        for place, token in enumerate([*said, tokens.eot], first):
            others = [(token + 997 * (n + 1)) % 50_000 for n in range(doubts)]
            places[place] = _LOUD * (leaning * directions[token] + directions[others].sum(0))
        if doubts:
            network.decoder.ln.weight.fill_(0.3)
    return network


def write_whisper(folder: Path, network: Whisper | None = None, name: str = "tiny-script") -> str:
    """Write one as safetensors and return its name."""
    save_whisper(folder / f"{name}.safetensors", network or scripted_whisper())
    return name


def write_emotion(
    folder: Path,
    labels: Sequence[str] = EMOTIONS,
    name: str = "tests/tiny-roberta",
    *,
    size: Mapping[str, int] = _ROBERTA,
    known: Sequence[str] = (),
) -> str:
    """Write a RoBERTa with a class for each label, whose tokenizer knows the words of some texts, and return its name."""
    path = folder / name
    path.mkdir(parents=True)
    words = ByteLevelBPETokenizer()
    words.train_from_iterator(iter(known), vocab_size=size["vocab_size"], special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    words.save_model(str(path))
    torch.manual_seed(1)
    config = RobertaConfig(**size, id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)})  # type: ignore[arg-type]
    RobertaForSequenceClassification(config).save_pretrained(path)  # type: ignore[no-untyped-call]
    _name_tokenizer(path, "RobertaTokenizerFast")
    return name


def write_sentiment(
    folder: Path,
    labels: Sequence[str] = tuple(reversed(SENTIMENTS)),
    name: str = "tests/tiny-distilbert",
    *,
    size: Mapping[str, int] = _DISTILBERT,
    known: Sequence[str] = (),
) -> str:
    """Write a DistilBERT with a class for each label, whose tokenizer knows the words of some texts, and return its name."""
    path = folder / name
    path.mkdir(parents=True)
    words = BertWordPieceTokenizer()
    words.train_from_iterator(iter([*known, "abcdefghijklmnopqrstuvwxyz"]), vocab_size=size["vocab_size"])
    words.save_model(str(path))
    torch.manual_seed(2)
    config = DistilBertConfig(**size, id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)})  # type: ignore[arg-type]
    DistilBertForSequenceClassification(config).save_pretrained(path)
    _name_tokenizer(path, "DistilBertTokenizerFast")
    return name


def _name_tokenizer(path: Path, name: str) -> None:
    (path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name, "model_max_length": 512}))


def write_hub(folder: Path) -> dict[str, str]:
    """Write one of each kind and return the container's settings that name them."""
    return {
        "VALENCE_MODEL_PROFILE": "hub",
        "VALENCE_MODEL_FOLDER": str(folder),
        "VALENCE_MODEL_WHISPER": write_whisper(folder),
        "VALENCE_MODEL_EMOTION": write_emotion(folder),
        "VALENCE_MODEL_SENTIMENT": write_sentiment(folder),
    }
