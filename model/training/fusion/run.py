"""One training run: epochs over the prepared samples, early stopping on dev, and a state from which it goes on after any kill."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from model.device import best_device, mixed_precision
from model.face import FaceTower
from model.fusion import FUSED, Batch, FusionNetwork, Logits
from model.fusion_batches import Utterance, collate
from model.training.fusion import metrics
from model.training.fusion.errors import Interrupted, TrainingError
from model.training.fusion.features import Prepared
from model.training.fusion.judgement import Said, f1
from model.training.fusion.losses import Losses, labels_of
from model.training.fusion.recipe import Recipe
from model.training.fusion.state import Progress, StateFolder
from model.voice import VoiceTower
from schemas.analysis import Modality

#: Batches between two states within an epoch: what a spot instance loses at most.
STATE_EVERY = 200


class Run:
    """Trains a network on `train`, choosing on `dev`. `stop` set from outside ends it at the next batch, its state saved."""

    def __init__(
        self, network: FusionNetwork, recipe: Recipe, train: Prepared, dev: Prepared, folder: Path, data: str, *, pretrained: bool
    ) -> None:
        self.stop = threading.Event()
        self._device = best_device()
        self._network = network.to(self._device)
        self._recipe, self._train, self._dev = recipe, train, dev
        self._modalities = network.architecture.modalities
        self._face = network.towers[Modality.FACE] if network.architecture.face is not None else None
        self._frozen_epochs = recipe.frozen_epochs if pretrained else 0
        self._pretrained = pretrained
        self._optimizer = self._grouped()
        self._losses = Losses(train, recipe).to(self._device)
        self._labels = labels_of(train)
        identity = (data, recipe, network.architecture, pretrained, _hash(network))
        self._states = StateFolder(folder / "state", hashlib.sha256(msgspec.json.encode(identity)).hexdigest())
        self._folder = folder
        self._trunk_saw: dict[int, Tensor] = {}

    def train(self, report: Callable[[str], None]) -> FusionNetwork:
        """Train, or go on where an earlier run stopped; the network of the best epoch. Raises Interrupted, TrainingError."""
        self._prepare_voice()
        progress, best = self._states.restore(self._network, self._optimizer)
        with SummaryWriter(str(self._folder / "tensorboard"), purge_step=progress.epoch) as board:
            while progress.epoch < self._recipe.epochs and progress.epoch - progress.best_epoch <= self._recipe.patience:
                self._epoch(progress, best)
                values = {"train:loss": progress.loss_sum / self._batches} | self._validate()
                score = (values["validation:emotion_weighted_f1"] + values["validation:sentiment_weighted_f1"]) / 2
                if score > progress.best_score:
                    progress.best_score, progress.best_epoch = score, progress.epoch
                    best = {name: tensor.detach().cpu().clone() for name, tensor in self._network.state_dict().items()}
                for name, value in values.items():
                    board.add_scalar(name.replace(":", "/"), value, progress.epoch)
                report(metrics.line(progress.epoch, values))
                progress.epoch, progress.batch, progress.loss_sum = progress.epoch + 1, 0, 0.0
                self._states.save(progress, self._network, self._optimizer, best)
        self._network.load_state_dict(best)
        return self._network.eval()

    def says(self, prepared: Prepared, hidden: Sequence[Modality] = ()) -> Said:
        """What the network says of a split, with some modalities hidden from the fusion."""
        self._network.eval()
        said: list[dict[str, Logits]] = []
        present: list[Tensor] = []
        shown = torch.tensor([modality not in hidden for modality in self._modalities], device=self._device)
        for first in range(0, len(prepared.samples), self._recipe.batch):
            indices = range(first, min(first + self._recipe.batch, len(prepared.samples)))
            batch = collate(self._modalities, [prepared.utterance(index) for index in indices]).to(self._device)
            with torch.inference_mode(), mixed_precision(self._device):
                said.append(self._network(batch, shown.expand(len(indices), -1)))
            present.append((batch.present & shown).cpu())
        logits = {
            name: Logits(*(torch.cat([getattr(one[name], head).float().cpu() for one in said]) for head in ("emotion", "sentiment")))
            for name in (FUSED, *self._modalities)
        }
        emotions, sentiments = labels_of(prepared)
        return Said(logits, torch.cat(present), emotions, sentiments)

    @property
    def _batches(self) -> int:
        return -(-len(self._train.samples) // self._recipe.batch)

    def _grouped(self) -> torch.optim.AdamW:
        trunk = list(self._face.trunk.parameters()) if isinstance(self._face, FaceTower) and self._pretrained else []
        slow = {id(parameter) for parameter in trunk}
        rest = [parameter for parameter in self._network.parameters() if id(parameter) not in slow]
        groups = [{"params": rest, "base": self._recipe.rate}, {"params": trunk, "base": self._recipe.trunk_rate}]
        return torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=self._recipe.weight_decay)

    def _prepare_voice(self) -> None:
        """Measure each band's mean and deviation over the training set."""
        if Modality.VOICE not in self._network.towers:
            return
        tower = self._network.towers[Modality.VOICE]
        assert isinstance(tower, VoiceTower)
        count, total, squares = 0, torch.zeros_like(tower.mean), torch.zeros_like(tower.mean)
        for index in range(len(self._train.samples)):
            voice = self._train.utterance(index).voice
            if voice is not None:
                frames = torch.from_numpy(voice).to(self._device, torch.float32)
                count, total, squares = count + len(frames), total + frames.sum(0), squares + (frames**2).sum(0)
        if count == 0:
            raise TrainingError("no clip of the training split has sound: train without voice, or look at the list of failures")
        tower.mean.copy_(total / count)
        tower.deviation.copy_((squares / count - tower.mean**2).clamp(min=1e-4).sqrt())

    def _epoch(self, progress: Progress, best: dict[str, Tensor]) -> None:
        frozen = progress.epoch < self._frozen_epochs
        self._network.train()
        if isinstance(self._face, FaceTower):
            self._face.trunk.requires_grad_(not frozen)
            if self._pretrained:
                self._face.trunk.eval()  # Kinetics' batch statistics are better than those of a few clips.
        for number, chosen in enumerate(self._shuffled(progress.epoch)):
            if number < progress.batch:
                continue
            progress.loss_sum += self._step(progress.epoch, number, chosen, frozen=frozen)
            progress.batch = number + 1
            if self.stop.is_set() or progress.batch % STATE_EVERY == 0:
                self._states.save(progress, self._network, self._optimizer, best)
            if self.stop.is_set():
                raise Interrupted
        self._trunk_saw = self._trunk_saw if frozen else {}

    def _shuffled(self, epoch: int) -> Iterator[list[int]]:
        order = torch.randperm(len(self._train.samples), generator=self._random(epoch)).tolist()
        for first in range(0, len(order), self._recipe.batch):
            yield order[first : first + self._recipe.batch]

    def _random(self, *place: int) -> torch.Generator:
        digest = hashlib.sha256(repr((self._recipe.seed, *place)).encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:7]))

    def _step(self, epoch: int, number: int, chosen: Sequence[int], *, frozen: bool) -> float:
        random = self._random(epoch, number)
        # Dropout draws from the global generator: from here on it, too, is a function of the place alone.
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=random)))
        batch = collate(self._modalities, [self._utterance(index, frozen=frozen) for index in chosen]).to(self._device)
        batch = self._mirrored(batch, random)
        kept = (torch.rand(batch.present.shape, generator=random) >= self._recipe.modality_dropout).to(self._device)
        kept |= ~(batch.present & kept).any(1, keepdim=True)  # something is always left to look at
        share = self._recipe.rate_at(epoch * self._batches + number, self._recipe.epochs * self._batches)
        for group in self._optimizer.param_groups:
            group["lr"] = group["base"] * share
        with mixed_precision(self._device):
            said = self._network(batch, kept)
        emotions, sentiments = (labels[chosen].to(self._device) for labels in self._labels)
        loss = self._losses(said, batch.present, self._modalities, emotions, sentiments)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss of epoch {epoch}, batch {number} is {float(loss)}: try again with a lower rate; the state before it is kept"
            )
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.clip_norm)
        self._optimizer.step()
        return float(loss.detach())

    def _utterance(self, index: int, *, frozen: bool) -> Utterance:
        """A training sample; where the trunk is frozen, what it made of the clip when it saw it first."""
        utterance = self._train.utterance(index)
        if not frozen or utterance.face is None or not isinstance(self._face, FaceTower):
            return utterance
        if index not in self._trunk_saw:
            with torch.inference_mode(), mixed_precision(self._device):
                self._trunk_saw[index] = self._face.features(torch.from_numpy(utterance.face)[None].to(self._device))[0].float().cpu()
        return Utterance(text=utterance.text, voice=utterance.voice, face=self._trunk_saw[index].numpy())

    def _mirrored(self, batch: Batch, random: torch.Generator) -> Batch:
        """Half of the clips as in a mirror: a face feels the same in it."""
        if batch.face.dim() == 5:
            turned = torch.rand(len(batch.face), generator=random) < 0.5
            batch.face[turned] = batch.face[turned].flip(3)
        return batch

    def _validate(self) -> dict[str, float]:
        said = self.says(self._dev)
        emotion, sentiment = f1(said.logits[FUSED].emotion, said.emotions), f1(said.logits[FUSED].sentiment, said.sentiments)
        loss = nn.functional.cross_entropy(said.logits[FUSED].emotion, said.emotions)
        loss = loss + nn.functional.cross_entropy(said.logits[FUSED].sentiment, said.sentiments)
        return {
            "validation:loss": float(loss),
            "validation:emotion_weighted_f1": emotion[0],
            "validation:emotion_macro_f1": emotion[1],
            "validation:sentiment_weighted_f1": sentiment[0],
            "validation:sentiment_macro_f1": sentiment[1],
        }


def _hash(network: FusionNetwork) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
