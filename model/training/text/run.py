"""Training the text model: one run of one seed, which goes on where it was interrupted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from peft.helpers import disable_input_dtype_casting
from tokenizers import Tokenizer
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from model.text_tokens import TextTokens, Turn
from model.training.text.batches import NO_CLASS, Lesson, epoch, tensors
from model.training.text.data import Line, read_goemotions, read_meld
from model.training.text.forms import FORMS
from model.training.text.measures import f1_by_class, weighted
from model.training.text.network import Network, pretrained_folder
from schemas.analysis import EMOTIONS, SENTIMENTS

EPOCHS = 3
_ADAPTERS_RATE = 9.6e-4
_HEADS_RATE = 1e-3
_WEIGHT_DECAY = 0.01
_WARM_UP = 0.06
_LABEL_SMOOTHING = 0.1
#: How far rare classes are raised: the weight of a class is its rarity to this power.
_RARE_CLASS_EXPONENT = 0.3
#: GoEmotions' 28 labels are 28 losses of which most are near nothing.
_COMMENT_WEIGHT = 6.0
_LARGEST_GRADIENT = 1.0
_SCORED_TOGETHER = 64
#: After how many batches the loss and the time left are told.
TOLD_EVERY = 50

Report = Callable[[str], None]


def text_tokens() -> TextTokens:
    """The pretrained start's own tokenizer."""
    return TextTokens(Tokenizer.from_file(str(pretrained_folder() / "tokenizer.json")))


def class_weights(labels: Sequence[int], classes: int) -> torch.Tensor:
    """Weights [classes] that raise rare classes and leave the mean loss where it was."""
    counts = torch.bincount(torch.tensor(labels), minlength=classes).clamp(min=1).float()
    weights = (counts.sum() / counts / classes) ** _RARE_CLASS_EXPONENT
    return weights / (weights * counts / counts.sum()).sum()


def logits(network: Network, lines: Sequence[Line], tokens: TextTokens) -> dict[str, npt.NDArray[np.float32]]:
    """The logits of the two heads that ship, [lines, classes], without dropout, in bfloat16."""
    network.eval()
    encoded = [tokens.encode(Turn(line.text, line.before)) for line in lines]
    order = sorted(range(len(lines)), key=lambda number: len(encoded[number][0]))
    found = {"emotion": np.zeros((len(lines), len(EMOTIONS)), np.float32), "sentiment": np.zeros((len(lines), len(SENTIMENTS)), np.float32)}
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), _SCORED_TOGETHER):
            chosen = order[start : start + _SCORED_TOGETHER]
            answers = network(*tensors(tokens, [encoded[number] for number in chosen]))
            for head, values in found.items():
                values[chosen] = answers[head].float().numpy()
    return found


class Run:
    """One training run: a seed, the folder that holds its state, and the weights as they become."""

    def __init__(self, data: Path, folder: Path, seed: int, report: Report) -> None:
        self._folder, self._seed, self._report = folder, seed, report
        self._tokens = text_tokens()
        self._train, self._dev, self._comments = read_meld(data, "train"), read_meld(data, "dev"), read_goemotions(data)
        self._weights = {
            "emotion": class_weights([line.emotion for line in self._train], len(EMOTIONS)),
            "sentiment": class_weights([line.sentiment for line in self._train], len(SENTIMENTS)),
        }
        torch.manual_seed(seed)
        self.network = Network()
        self.network.freeze_in_bfloat16()
        steps = EPOCHS * len(self._lessons(0))
        self._optimiser = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98))
        rates = [group["lr"] for group in self._optimiser.param_groups]
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, rates, total_steps=steps, pct_start=_WARM_UP, anneal_strategy="linear"
        )

    def finish(self) -> Path:
        """Train what is still to be trained; the file that holds the trained parameters."""
        with disable_input_dtype_casting(self.network.encoder):  # autocast casts already
            for number in range(self._resume(), EPOCHS):
                began = time.monotonic()
                self._epoch(number)
                self._keep(number + 1)
                minutes = (time.monotonic() - began) / 60
                self._report(f"  epoch {number + 1} of {EPOCHS} took {minutes:.0f} min and is kept in {self._state}")
        return self._state

    @property
    def _state(self) -> Path:
        return self._folder / f"seed-{self._seed}.pt"

    def _lessons(self, number: int) -> list[Lesson]:
        # Every epoch has dice of its own, so that a resumed run sees what it would have seen.
        return epoch(self._train, self._comments, self._tokens, random.Random(1_000 * self._seed + number))

    def _groups(self) -> list[dict[str, object]]:
        groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                rate = _HEADS_RATE if name.startswith("heads.") else _ADAPTERS_RATE
                decay = _WEIGHT_DECAY if parameter.dim() > 1 else 0.0
                groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()]

    def _epoch(self, number: int) -> None:
        started, total = time.monotonic(), 0.0
        torch.manual_seed(1_000 * self._seed + number)
        lessons = self._lessons(number)
        self.network.train()
        for place, lesson in enumerate(lessons, start=1):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                answers = self.network(*lesson.tokens)
            loss = self._loss({head: values.float() for head, values in answers.items()}, lesson.targets)
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
            self._optimiser.step()
            self._rate.step()
            total += loss.item()
            if place % TOLD_EVERY == 0:
                left = (time.monotonic() - started) / place * ((EPOCHS - number) * len(lessons) - place)
                done = f"{place}/{len(lessons)}, loss {total / place:.3f}, {left / 60:.0f} min left of this seed"
                self._report(f"seed {self._seed}, epoch {number + 1} of {EPOCHS}: {done}")
        for name, form in FORMS.items():
            self._report(f"  dev {name}: {self._judged([form(line) for line in self._dev])}")

    def _judged(self, lines: Sequence[Line]) -> str:
        found = logits(self.network, lines, self._tokens)
        parts = []
        for head in found:
            labels = np.array([getattr(line, head) for line in lines])
            by_class = f1_by_class(labels, found[head].argmax(axis=1), found[head].shape[1])
            parts.append(f"{head} {100 * weighted(by_class, labels):.1f} / {100 * by_class.mean():.1f}")
        return ", ".join(parts)

    def _loss(self, answers: dict[str, torch.Tensor], targets: dict[str, torch.Tensor]) -> torch.Tensor:
        if "comment" in targets:
            loss = _COMMENT_WEIGHT * binary_cross_entropy_with_logits(answers["comment"], targets["comment"])
            loss = loss + cross_entropy(answers["group"], targets["group"])
            if (targets["leaning"] != NO_CLASS).any():
                loss = loss + cross_entropy(answers["leaning"], targets["leaning"], ignore_index=NO_CLASS)
            return loss
        losses = [
            cross_entropy(answers[head], targets[head], self._weights[head], label_smoothing=_LABEL_SMOOTHING)
            for head in ("emotion", "sentiment")
        ]
        return losses[0] + losses[1]

    def _trained(self) -> dict[str, torch.Tensor]:
        return {name: parameter.detach() for name, parameter in self.network.named_parameters() if parameter.requires_grad}

    def _keep(self, epochs: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._state.with_suffix(".unfinished")
        state = {"epochs": epochs, "network": self._trained(), "optimiser": self._optimiser.state_dict(), "rate": self._rate.state_dict()}
        torch.save(state, unfinished)
        unfinished.replace(self._state)

    def _resume(self) -> int:
        if not self._state.exists():
            return 0
        state = torch.load(self._state, weights_only=True)
        self.network.load_state_dict(state["network"], strict=False)
        self._optimiser.load_state_dict(state["optimiser"])
        self._rate.load_state_dict(state["rate"])
        epochs: int = state["epochs"]
        self._report(f"seed {self._seed}: goes on after epoch {epochs}")
        return epochs
