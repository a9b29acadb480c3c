"""The state of a run on disk: enough to go on exactly where it was, however it was ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.training.fusion.errors import StateOfAnotherRun

_FILE = "state.json"


class Progress(msgspec.Struct, kw_only=True):
    """How far a run is: `epoch` and `batch` are the next ones. Random numbers follow from the seed and these two alone."""

    #: What the run is made of: another one does not go on from here.
    run: str
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    best_score: float = -1.0
    best_epoch: int = -1
    #: The file with the tensors, written before this is.
    tensors: str = ""


class StateFolder:
    """Keeps the newest state. Its JSON names its tensors, and replaces the one before it at once: a kill leaves one of the two."""

    def __init__(self, folder: Path, run: str) -> None:
        self._folder, self._run = folder, run
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, progress: Progress, network: torch.nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor]) -> None:
        """Write all of it; the state before it is removed only when this one is whole."""
        tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in values.items()}
        progress.tensors = f"state-{progress.epoch:03}-{progress.batch:06}.safetensors"
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, self._folder / progress.tensors)
        new = self._folder / f"{_FILE}.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(progress))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / _FILE)
        for old in self._folder.glob("state-*.safetensors"):
            if old.name != progress.tensors:
                old.unlink()

    def restore(self, network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Progress, dict[str, Tensor]]:
        """Bring back the newest state, or the beginning where there is none. Raises StateOfAnotherRun."""
        path = self._folder / _FILE
        if not path.exists():
            return Progress(run=self._run), {}
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
        if progress.run != self._run:
            raise StateOfAnotherRun(
                f"{path} belongs to a run with other data, another recipe or another architecture: name another folder, or remove this one"
            )
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimizer": {}}
        for name, tensor in load_file(self._folder / progress.tensors).items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        network.load_state_dict(parts["network"])
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, field = name.partition(".")
            state.setdefault(int(index), {})[field] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        return progress, parts["best"]
