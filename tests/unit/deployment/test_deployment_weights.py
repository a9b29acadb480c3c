"""What may lie in a model's folder: numbers and text, and nothing that would run code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deployment.errors import WeightsRefused
from deployment.weights import require_safe
from model.profiles import BUNDLED_FOLDER


def safetensors(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


_TENSOR = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"by": "us"}}).encode()
_PICKLED = pickle.dumps({"weights": [1.0]})


@pytest.mark.parametrize("file", sorted(BUNDLED_FOLDER.iterdir()), ids=lambda file: file.name)
def test_the_weights_of_the_repository_may_be_shipped(file: Path) -> None:
    require_safe(file)


def test_safetensors_may_be_shipped(tmp_path: Path) -> None:
    file = tmp_path / "text.safetensors"
    file.write_bytes(safetensors(_TENSOR, bytes(8)))
    require_safe(file)


def _arrays_with_objects(file: Path) -> None:
    np.savez(file, numbers=np.zeros(3), names=np.array(["a", None], dtype=object))


REFUSED: dict[str, tuple[str, bytes | Callable[[Path], None], str]] = {
    "a checkpoint of torch": ("a.pt", b"PK", "save_file"),
    "a checkpoint by its other name": ("pytorch_model.bin", b"", "save_file"),
    "no kind at all": ("weights", b"", "only"),
    "a script": ("run.py", b"", "only"),
    "a pickle that calls itself safetensors": ("a.safetensors", _PICKLED, "it is a pickle"),
    "a pickle that calls itself ONNX": ("a.onnx", _PICKLED, "it is a pickle"),
    "a pickle that calls itself text": ("a.json", _PICKLED, "it is a pickle"),
    "arrays of Python's objects": ("a.npz", _arrays_with_objects, "which are pickles"),
    "arrays that are none": ("a.npz", b"numbers", "no file of arrays"),
    "safetensors that are cut off": ("a.safetensors", safetensors(_TENSOR, bytes(7)), "cut off"),
    "safetensors with something behind": ("a.safetensors", safetensors(_TENSOR, bytes(9)), "cut off"),
    "safetensors with a header of nonsense": ("a.safetensors", safetensors(b"[1]"), "header cannot be read"),
    "safetensors with an endless header": ("a.safetensors", b"\xff" * 8, "its header would have"),
    "an empty file that calls itself safetensors": ("a.safetensors", b"", "its header would have"),
    "ONNX that is none": ("a.onnx", b"PK", "no ONNX model"),
    "text that is none": ("a.txt", b"\xff\xfe", "UTF-8"),
}


@pytest.mark.parametrize(("name", "content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_only_numbers_or_text_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | Callable[[Path], None], said: str
) -> None:
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        content(file)
    with pytest.raises(WeightsRefused, match=said) as caught:
        require_safe(file)
    assert str(file) in str(caught.value)
