"""What goes into model.tar.gz: weights at its root, the code that reads them, what that code needs, and a manifest of it all."""

from __future__ import annotations

import hashlib
import re
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import msgspec

from deployment import archive, weights
from deployment.errors import ArchiveRefused, WeightsRefused
from model.profiles import BUNDLED, BUNDLED_FOLDER, require_available

MANIFEST = "manifest.json"
CODE = "code"
#: What the container imports, whatever its profile; a profile's extra in pyproject.toml names the rest.
LIBRARIES = ("av", "boto3", "msgspec", "numpy", "python-json-logger", "uvicorn")
#: Our packages that the container consists of, and what of them it does not need.
_PACKAGES = ("schemas", "media", "model")
_LEFT_OUT = {"__pycache__", "bundled", "database", "published", "training"}

_ROOT = Path(__file__).parent.parent


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself: profile, version of Valence, and the SHA-256 of every file by its name."""

    profile: str
    valence: str
    files: dict[str, str]


class Package(NamedTuple):
    """An archive on this machine."""

    path: Path
    sha256: str
    manifest: Manifest


def build(target: Path, profile: str = BUNDLED, folder: Path | None = None) -> Package:
    """Pack the weights of a folder (by default the bundled ones) for a profile; the same content gives the same bytes.

    Raises WeightsRefused for a missing folder and for files that are not only numbers or text, and ProfileUnavailable.
    """
    require_available(profile)
    if folder is None and profile != BUNDLED:
        raise WeightsRefused(f"the profile {profile!r} has no weights in the repository: name their folder with --weights")
    members: dict[str, Path | bytes] = {**_weights(folder or BUNDLED_FOLDER), **_code()}
    if profile != BUNDLED:  # a fusion reads the words by the repository's text model, which is not among the profile's own
        members |= {f"{CODE}/{file.relative_to(_ROOT).as_posix()}": file for file in BUNDLED_FOLDER.iterdir()}
    members[f"{CODE}/requirements.txt"] = "".join(f"{line}\n" for line in requirements(profile)).encode()
    files = {name: sha256(members[name]) for name in sorted(members)}
    manifest = Manifest(profile=profile, valence=metadata.version("valence"), files=files)
    members[MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    archive.write(target, members)
    return Package(target, sha256(target), manifest)


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack an archive into an empty folder and see that it is what its manifest says, and that its weights are only numbers.

    Raises ArchiveRefused and WeightsRefused.
    """
    archive.unpack(path, folder)
    manifest = read_manifest(folder)
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    if there - {MANIFEST} != set(manifest.files):
        odd = sorted(there - {MANIFEST} ^ set(manifest.files))
        raise ArchiveRefused(f"{path} and its {MANIFEST} disagree about these files: {', '.join(odd[:5])}; pack it again")
    for name, expected in manifest.files.items():
        if sha256(folder / name) != expected:
            raise ArchiveRefused(f"{path}: {name} is not the file that {MANIFEST} describes; pack it again")
        if not name.startswith(f"{CODE}/"):
            weights.require_safe(folder / name)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an unpacked archive; ArchiveRefused where there is none."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise ArchiveRefused(f"{folder} has no readable {MANIFEST}: it was not made by `valence sagemaker package` ({error})") from error


def requirements(*extras: str) -> list[str]:
    """What the container's code and some extras of pyproject.toml need, each library with the version that is installed here."""
    extra = re.compile(rf"([\w.-]+).*; *extra == ['\"](?:{'|'.join(map(re.escape, extras))})['\"]")
    of_extras = {found[1] for line in metadata.requires("valence") or () if (found := extra.match(line))}
    return [f"{name}=={metadata.version(name)}" for name in sorted({*LIBRARIES, *of_extras})]


def _weights(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise WeightsRefused(f"{folder} is no folder: name the one that holds the weights")
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if not file.is_dir()}
    if not files:
        raise WeightsRefused(f"{folder} is empty: name the folder that holds the weights")
    for name, file in files.items():
        if name == MANIFEST or name.startswith(f"{CODE}/"):
            raise WeightsRefused(f"{file} cannot be packed: the archive has a {name} of its own")
        if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
            raise WeightsRefused(f"{file} is a link that leads out of {folder}: copy the file")
        weights.require_safe(file)
    return files


def _code() -> dict[str, Path]:
    """Our packages, and the module that the ready-made image looks for, by their names in the archive."""
    files = {
        f"{CODE}/{file.relative_to(_ROOT).as_posix()}": file
        for package in _PACKAGES
        for file in (_ROOT / package).rglob("*")
        if file.is_file() and not _LEFT_OUT & set(file.relative_to(_ROOT).parts)
    }
    return {**files, f"{CODE}/inference.py": Path(__file__).parent / "inference.py"}


def sha256(content: Path | bytes) -> str:
    """The SHA-256 of a file or of bytes, in hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
