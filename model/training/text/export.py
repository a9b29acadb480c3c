"""From trained runs to the file that ships: adapters merged, runs averaged, weights as 8-bit integers, calibrated on dev."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from model.text import FORMAT, HEADS, INPUTS, OUTPUTS, TOKENIZER_FILE, WEIGHTS_FILE, Temperatures, TextModel, load
from model.training.text.calibration import calibrate
from model.training.text.data import read_meld
from model.training.text.network import Network, pretrained_folder
from model.training.text.quantise import quantise

NAME = "valence-text-minilm-1"


class Merged(nn.Module):
    """The network as it ships: no adapters, and only the heads that answer."""

    def __init__(self, runs: Sequence[Path]) -> None:
        super().__init__()
        networks = [_merged(run) for run in runs]
        self.encoder, self.heads = networks[0]
        for part, others in ((self.encoder, [encoder for encoder, _ in networks]), (self.heads, [heads for _, heads in networks])):
            states = [other.state_dict() for other in others]
            part.load_state_dict({name: _mean([state[name] for state in states]) for name in states[0]})
        self.eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits by head, then the mean over the utterance that they are taken from, of token ids, mask and segments [batch, tokens]."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        own = (mask * (1 - segments)).unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * own).sum(1) / own.sum(1)
        return *(self.heads[head](pooled) for head in HEADS), pooled


def _merged(run: Path) -> tuple[nn.Module, nn.ModuleDict]:
    network = Network()
    network.load_state_dict(torch.load(run, weights_only=True)["network"], strict=False)
    return network.encoder.merge_and_unload(), nn.ModuleDict({head: network.heads[head] for head in HEADS})


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(values)).mean(0) if values[0].is_floating_point() else values[0]


def export(runs: Sequence[Path], data: Path, folder: Path) -> TextModel:
    """Write the weights and the tokenizer of the average of `runs` into `folder`, calibrated on MELD dev, and load them."""
    tokenizer = (pretrained_folder() / "tokenizer.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOKENIZER_FILE).write_bytes(tokenizer)
    said = {
        "format": FORMAT,
        "name": NAME,
        "runs": ", ".join(run.stem for run in runs),
        "languages": "en",
        "tokenizer_sha256": hashlib.sha256(tokenizer).hexdigest(),
        "certain_from": "0",
        **{f"{head}_temperature_{form}": "1" for head in HEADS for form in Temperatures._fields},
    }
    with tempfile.TemporaryDirectory() as scratch:
        whole, small = Path(scratch, "whole.onnx"), Path(scratch, "small.onnx")
        _as_graph(Merged(runs), whole)
        quantise(whole, small)
        _describe(small, said)
        shutil.copyfile(small, folder / WEIGHTS_FILE)
    said |= calibrate(load(folder), read_meld(data, "dev"))
    _describe(folder / WEIGHTS_FILE, said)
    return load(folder)


def _as_graph(network: Merged, path: Path) -> None:
    example = torch.ones(2, 8, dtype=torch.long)
    axes = {name: {0: "texts", 1: "tokens"} for name in INPUTS} | {name: {0: "texts"} for name in OUTPUTS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, that the shapes it saw are not general: `axes` says which are
        torch.onnx.export(
            network,
            (example, example, torch.zeros_like(example)),
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            dynamo=False,
        )


def _describe(path: Path, said: dict[str, str]) -> None:
    graph = onnx.load(path)
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, said)
    onnx.save(graph, path)
