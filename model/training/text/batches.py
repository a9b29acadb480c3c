"""What the network is shown in one epoch: every utterance of MELD twice and half the comments of GoEmotions, in a fixed order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from model.plain_text import as_recognised
from model.text_tokens import TextTokens, Turn
from model.training.text.data import COMMENT_LABELS, Comment, Line
from model.training.text.forms import recognised
from schemas.analysis import EMOTIONS

LINES_TOGETHER = 32
COMMENTS_TOGETHER = 64
#: How much of the text is turned into what a recogniser would write, and of the dialogue shown without what was before.
SHARE_RECOGNISED = 0.25
SHARE_WITHOUT_BEFORE = 0.4
#: Batches are sorted by length within this many, so that little is padding.
_SORTED_TOGETHER = 50
#: A class index that no loss counts.
NO_CLASS = -100

Encoded = tuple[list[int], int]
T = TypeVar("T")


@dataclass(frozen=True)
class Lesson:
    """One batch: its tokens, [batch, tokens] each, and the targets by head."""

    tokens: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    targets: dict[str, torch.Tensor]


def tensors(tokens: TextTokens, encoded: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Encoded utterances as the network takes them."""
    batch = tokens.batch(encoded)
    return torch.from_numpy(batch.ids), torch.from_numpy(batch.mask), torch.from_numpy(batch.segments)


def epoch(lines: Sequence[Line], comments: Sequence[Comment], tokens: TextTokens, dice: random.Random) -> list[Lesson]:
    """All lessons of one epoch, chosen and shuffled by `dice`."""
    lessons = []
    for _ in range(2):
        shown = [(*_shown(line, tokens, dice), line) for line in lines]
        lessons += [_of_lines(batch, tokens) for batch in _batches(shown, LINES_TOGETHER, dice)]
    half = dice.sample(comments, len(comments) // 2)
    read = [(*_read(comment, tokens, dice), comment) for comment in half]
    lessons += [_of_comments(batch, tokens) for batch in _batches(read, COMMENTS_TOGETHER, dice)]
    dice.shuffle(lessons)
    return lessons


def _shown(line: Line, tokens: TextTokens, dice: random.Random) -> Encoded:
    if dice.random() < SHARE_RECOGNISED:
        line = recognised(line)
    before = () if dice.random() < SHARE_WITHOUT_BEFORE else line.before
    return tokens.encode(Turn(line.text, before))


def _read(comment: Comment, tokens: TextTokens, dice: random.Random) -> Encoded:
    return tokens.encode(Turn(as_recognised(comment.text) if dice.random() < SHARE_RECOGNISED else comment.text))


def _batches(items: list[tuple[list[int], int, T]], size: int, dice: random.Random) -> Iterator[list[tuple[list[int], int, T]]]:
    dice.shuffle(items)
    for first in range(0, len(items), size * _SORTED_TOGETHER):
        together = sorted(items[first : first + size * _SORTED_TOGETHER], key=lambda item: len(item[0]))
        yield from (together[start : start + size] for start in range(0, len(together), size))


def _of_lines(batch: list[tuple[list[int], int, Line]], tokens: TextTokens) -> Lesson:
    targets = {
        "emotion": torch.tensor([line.emotion for _, _, line in batch]),
        "sentiment": torch.tensor([line.sentiment for _, _, line in batch]),
    }
    return Lesson(tensors(tokens, [(ids, own) for ids, own, _ in batch]), targets)


def _of_comments(batch: list[tuple[list[int], int, Comment]], tokens: TextTokens) -> Lesson:
    labels, groups = torch.zeros(len(batch), COMMENT_LABELS), torch.zeros(len(batch), len(EMOTIONS))
    for row, (_, _, comment) in enumerate(batch):
        labels[row, list(comment.labels)] = 1
        groups[row, list(comment.groups)] = 1 / len(comment.groups)
    leanings = torch.tensor([NO_CLASS if comment.leaning is None else comment.leaning for _, _, comment in batch])
    return Lesson(tensors(tokens, [(ids, own) for ids, own, _ in batch]), {"comment": labels, "group": groups, "leaning": leanings})
