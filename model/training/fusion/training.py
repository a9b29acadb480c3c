"""The whole of a training: data set in, prepared, trained, calibrated on dev, judged once on test, checkpoint out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch

from media.limits import MediaLimits
from media.pool import MediaPool
from model.feelings import TextEncoder
from model.fusion import Architecture, FaceSpec, FusionNetwork, TextSpec, VoiceSpec
from model.fusion_checkpoint import Config, save_fusion
from model.training.fusion.dataset import SPLITS, fingerprint, read_split
from model.training.fusion.face_weights import FaceWeights, put_into
from model.training.fusion.features import Failure, Preparation, Prepared
from model.training.fusion.judgement import Row, alone, row, temperatures, threshold
from model.training.fusion.recipe import Recipe
from model.training.fusion.run import Run
from schemas.analysis import Modality

#: The checkpoint's folder gets the result and the list of failures beside the weights.
RESULT_FILE, FAILURES_FILE = "result.json", "failures.jsonl"
_NAME = "valence-fusion-1"


@dataclass(frozen=True)
class Task:
    """What to train on and how. `output` gets the checkpoint, `work` the cached features and the state from which a run goes on."""

    dataset: Path
    output: Path
    work: Path
    modalities: frozenset[Modality]
    recipe: Recipe = field(default_factory=Recipe)
    voice: VoiceSpec = field(default_factory=VoiceSpec)
    face: FaceSpec = field(default_factory=FaceSpec)
    face_weights: FaceWeights | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was reached on test: each modality alone, the fusion without each, and the whole; and how many clips failed."""

    modalities: tuple[Modality, ...]
    rows: tuple[Row, ...]
    failed: int


def train(task: Task, encoder: TextEncoder, report: Callable[[str], None], hold: Callable[[Run], None] = lambda run: None) -> Result:
    """Train, calibrate, judge, and write the checkpoint. `hold` is given the run, so that a signal can stop it.

    Raises TrainingError and Interrupted.
    """
    architecture = _architecture(task, encoder)
    report(f"modalities: {', '.join(architecture.modalities)}; words by {encoder.ref.name}")
    train_set, dev, test = _prepare(task, architecture, encoder, report)
    failures = [failure for split in (train_set, dev, test) for failure in split.failures]
    torch.manual_seed(task.recipe.seed)
    network = FusionNetwork(architecture)
    if task.face_weights is not None:
        put_into(network, task.face_weights)
    data = f"{fingerprint(task.dataset)} {len(failures)}"
    run = Run(network, task.recipe, train_set, dev, task.work, data, pretrained=task.face_weights is not None)
    hold(run)
    network = run.train(report)
    said = run.says(dev)
    fitted = temperatures(said, architecture.modalities)
    config = Config(name=_NAME, architecture=architecture, temperatures=fitted, certain_from=threshold(said, fitted))
    save_fusion(task.output, config, network.cpu())
    result = Result(modalities=architecture.modalities, rows=tuple(_judge(run, test, architecture.modalities)), failed=len(failures))
    (task.output / RESULT_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    (task.output / FAILURES_FILE).write_bytes(b"".join(msgspec.json.encode(failure) + b"\n" for failure in failures))
    return result


def _architecture(task: Task, encoder: TextEncoder) -> Architecture:
    ref = encoder.ref
    return Architecture(
        text=TextSpec(name=ref.name, sha256=ref.sha256, width=encoder.embed(["a"]).shape[1]) if Modality.TEXT in task.modalities else None,
        voice=task.voice if Modality.VOICE in task.modalities else None,
        face=task.face if Modality.FACE in task.modalities else None,
    )


def _prepare(task: Task, architecture: Architecture, encoder: TextEncoder, report: Callable[[str], None]) -> list[Prepared]:
    videos = architecture.voice is not None or architecture.face is not None
    threads = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    with MediaPool(MediaLimits(), size=threads or 1) as pool:
        preparation = Preparation(architecture, encoder, task.work / "features", pool, threads or 1)
        splits = []
        for name in SPLITS:
            split = preparation.prepare(name, read_split(task.dataset, name, videos=videos))
            report(f"{name}: {_described(split, architecture.modalities)}")
            _list(split.failures, report)
            splits.append(split)
    return splits


def _described(split: Prepared, modalities: Sequence[Modality]) -> str:
    having = dict.fromkeys(modalities, 0)
    for index in range(len(split.samples)):
        utterance = split.utterance(index)
        for modality in modalities:
            having[modality] += utterance.of(modality) is not None
    counts = ", ".join(f"{count} with {modality}" for modality, count in having.items())
    return f"{len(split.samples)} samples ({counts}), {len(split.failures)} failed"


def _list(failures: Sequence[Failure], report: Callable[[str], None]) -> None:
    for failure in failures[:10]:
        report(f"  {failure.sample}: {failure.reason}")
    if len(failures) > 10:
        report(f"  and {len(failures) - 10} more, all in {FAILURES_FILE}")


def _judge(run: Run, test: Prepared, modalities: Sequence[Modality]) -> list[Row]:
    whole = run.says(test)
    rows = alone(whole, modalities)
    if len(modalities) > 1:
        for modality in modalities:
            without = run.says(test, hidden=[modality])
            rows.append(row(f"fused without {modality}", without.logits["fused"], without, without.present.any(1)))
    rows.append(row("fused", whole.logits["fused"], whole, whole.present.any(1)))
    return rows
