"""Analyses that were kept: files and folders of them, as far as two versions are compared by them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.exits import Misused
from schemas.analysis import ModelRef, Scores

#: A document a file, or a document a line.
ONE, MANY = ".json", ".jsonl"


class KeptUtterance(msgspec.Struct, frozen=True):
    """Of an utterance, what a comparison needs; its times are 0 and its scores None where they were not kept."""

    text: str
    start: float = 0.0
    end: float = 0.0
    scores: Scores | None = None


class _Analysis(msgspec.Struct, frozen=True):
    """An analysis, as the API gives it and SageMaker writes it."""

    utterances: tuple[KeptUtterance, ...]
    models: tuple[ModelRef, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    """A line of `valence analyse --json`; one that failed has no analysis."""

    analysis: _Analysis | None
    file: str | None = None


class KeptAnalysis(msgspec.Struct, frozen=True):
    """One video's analysis under the name by which another version's analysis of the same video is found."""

    name: str
    utterances: tuple[KeptUtterance, ...]
    models: tuple[ModelRef, ...]


def read_kept(path: Path) -> list[KeptAnalysis]:
    """Every analysis in a file, or in a folder and those below it, in the order of their names.

    Raises Misused where one is none. Lines of what failed are passed over.
    """
    if path.is_file():
        return list(_read(path, path.stem))
    files = sorted(file for file in path.rglob("*") if file.suffix in (ONE, MANY) and file.is_file())
    return [kept for file in files for kept in _read(file, file.relative_to(path).with_suffix("").as_posix())]


def _read(file: Path, name: str) -> Iterator[KeptAnalysis]:
    content = file.read_bytes()
    documents = content.splitlines() if file.suffix == MANY else [content]
    for number, document in enumerate(documents, start=1):
        own = f"{name}:{number}" if file.suffix == MANY else name
        try:
            line = _line(document)
        except msgspec.DecodeError as error:
            raise Misused(
                f"{file} holds no analyses: {error}, in line {number}; expected are documents of analyses as the API gives them (.json), "
                "or the lines that `valence analyse --json` writes (.jsonl)"
            ) from error
        if line.analysis is not None:
            yield KeptAnalysis(line.file or own, line.analysis.utterances, line.analysis.models)


def _line(document: bytes) -> _Line:
    """Either form; which it is says the field that only one of them has."""
    raw = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    if "analysis" in raw:
        return msgspec.json.decode(document, type=_Line)
    return _Line(msgspec.json.decode(document, type=_Analysis))
