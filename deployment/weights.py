"""Which files may lie in a model's folder: weights that are only numbers, and text. Nothing that runs code when it is opened."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from numpy.lib import format as npy

from deployment.errors import WeightsRefused

#: How a pickle of protocol 2 to 5 begins, and so every checkpoint of torch from before 1.6.
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
#: The header of a safetensors file is JSON; longer ones are refused by the library too.
_MOST_HEADER_BYTES = 100_000_000
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def require_safe(file: Path) -> None:
    """Raise WeightsRefused unless the file is of a kind that may be shipped, by its name and by its content."""
    check = _CHECKS.get(file.suffix)
    if check is None:
        kinds = ", ".join(sorted(_CHECKS))
        raise _refused(
            file,
            f"files of this kind are not shipped, only {kinds}. Checkpoints of torch (.pt, .pth, .bin, .ckpt) are pickles, "
            "which run code when they are opened: save the weights with safetensors.torch.save_file",
        )
    with file.open("rb") as opened:
        if opened.read(2) in _PICKLE:
            raise _refused(file, "it is a pickle, whatever its name says, and would run code when it is opened")
    check(file)


def _refused(file: Path, reason: str) -> WeightsRefused:
    return WeightsRefused(f"{file}: {reason}")


def _safetensors(file: Path) -> None:
    """Eight bytes of length, a header of JSON, then numbers: as many as the header says."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > min(_MOST_HEADER_BYTES, file.stat().st_size - 8):
            raise _refused(file, f"it is no safetensors file: its header would have {length} bytes")
        try:
            tensors = json.loads(opened.read(length))
            end = max((entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise _refused(file, f"it is no safetensors file: its header cannot be read ({error!r})") from error
    if 8 + length + end != file.stat().st_size:
        raise _refused(file, f"it is cut off or has something behind its tensors: its header speaks of {8 + length + end} bytes")


def _arrays(file: Path) -> None:
    """A zip of arrays, none of which holds Python's objects: those would be pickles."""
    try:
        with zipfile.ZipFile(file) as members:
            for name in members.namelist():
                with members.open(name) as array:
                    version = npy.read_magic(array)
                    if version not in _HEADERS:
                        raise _refused(file, f"its array {name} has a header of version {version}")
                    dtype = _HEADERS[version](array)[2]
                if dtype.hasobject:
                    raise _refused(file, f"its array {name} holds Python's objects, which are pickles")
    except (zipfile.BadZipFile, ValueError) as error:
        raise _refused(file, f"it is no file of arrays: {error}") from error


def _onnx(file: Path) -> None:
    """A protocol buffer whose first field is the version of the format."""
    with file.open("rb") as opened:
        if opened.read(1) != b"\x08":
            raise _refused(file, "it is no ONNX model")


def _text(file: Path) -> None:
    try:
        with file.open(encoding="utf-8") as lines:
            for _ in lines:
                pass
    except UnicodeDecodeError as error:
        raise _refused(file, f"it should be text in UTF-8: {error}") from error


_CHECKS: Mapping[str, Callable[[Path], None]] = MappingProxyType(
    {".safetensors": _safetensors, ".onnx": _onnx, ".npz": _arrays, ".json": _text, ".txt": _text, ".md": _text}
)
