"""Checkpoints of the hub profile with random weights and real sizes: what is slow about them is not what they know."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers.utils import logging
from whisper.model import ModelDimensions

from benchmarks.dialogue_texts import sample_texts
from model.face import Trunk
from model.faces import Crop
from model.fusion import Architecture, FaceSpec, FusionNetwork, TextSpec, VoiceSpec
from model.fusion_checkpoint import Config, save_fusion
from model.text import TextModel
from samples.script import DIALOGUE, read_script
from tests.tiny_checkpoints import scripted_whisper, write_emotion, write_sentiment, write_whisper

#: Whisper `small`, RoBERTa-base and DistilBERT-base.
_WHISPER = ModelDimensions(80, 1500, 768, 12, 12, 51_865, 448, 768, 12, 12)
_ROBERTA = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "vocab_size": 50_265}
_DISTILBERT = {"dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072, "vocab_size": 30_522}
#: Of a window of Whisper's: what is said in the first half minute of the dialogue.
_WINDOW_SECONDS = 28.0


def write_text(folder: Path) -> dict[str, str]:
    """Write a RoBERTa-base and a DistilBERT-base, and return the settings that name them."""
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    emotion = write_emotion(folder, size=_ROBERTA | {"max_position_embeddings": 514}, known=sample_texts())
    sentiment = write_sentiment(folder, size=_DISTILBERT, known=sample_texts())
    return {"VALENCE_MODEL_EMOTION": emotion, "VALENCE_MODEL_SENTIMENT": sentiment}


def write_all(folder: Path) -> dict[str, str]:
    """The same with a Whisper `small` that writes down the dialogue: the settings of the container's `hub` profile."""
    lines = [(line.start, line.end, line.text) for line in read_script(DIALOGUE).lines if line.end < _WINDOW_SECONDS]
    whisper = write_whisper(folder, scripted_whisper(lines, dimensions=_WHISPER), "small-script")
    names = {"VALENCE_MODEL_PROFILE": "hub", "VALENCE_MODEL_FOLDER": str(folder), "VALENCE_MODEL_WHISPER": whisper}
    return names | write_text(folder)


def write_fusion(folder: Path, encoder: TextModel) -> None:
    """Write a fusion of the size that is trained on MELD, which looks at whole pictures: the samples show no faces."""
    torch.manual_seed(3)
    architecture = Architecture(
        text=TextSpec(name=encoder.ref.name, sha256=encoder.ref.sha256, width=384),
        voice=VoiceSpec(),
        face=FaceSpec(trunk=Trunk.R3D_18, crop=Crop.WHOLE),
    )
    save_fusion(folder, Config(name="random", architecture=architecture), FusionNetwork(architecture).eval())
