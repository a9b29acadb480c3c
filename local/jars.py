"""The Java archives of Kafka and ElasticMQ: exactly those in the committed lock files, fetched once and verified.

A lock file (`archives/NAME/jgo.lock.toml`) holds coordinates and SHA-256 sums. `jgo --class-path-only lock` beside a
`jgo.toml` writes it anew.
"""

import hashlib
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local.errors import JarsUnavailable

_LOCKS = Path(__file__).parent / "archives"
#: Downloads at once. The registry is far away and most archives are small.
_DOWNLOADS = 8


def class_path(name: str) -> list[Path]:
    """The archives of one Java server, fetched if they are not in the machine's Maven repository yet.

    `name` is a folder under `archives/`. Every file is compared with the lock before it is used, each time.
    Raises JarsUnavailable.
    """
    from jgo.maven import MavenContext  # here: it takes 0.2 s, and only a stack that starts a Java server needs it

    context = MavenContext(timeout=60)
    locked = tomllib.loads((_LOCKS / name / "jgo.lock.toml").read_text())["dependencies"]
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        return list(pool.map(lambda entry: _archive(context, entry), locked))


def _archive(context: Any, entry: dict[str, str]) -> Path:
    component = context.project(entry["groupId"], entry["artifactId"]).at_version(entry["version"])
    artifact = component.artifact(entry.get("classifier", ""), entry["packaging"])
    path = Path(artifact.cached_path)
    if not path.exists():
        _fetch(artifact)
    elif _sha256(path) != entry["sha256"]:
        # A download that was cut off leaves half a file in the repository: fetch it once more.
        path.unlink()
        _fetch(artifact)
    found = _sha256(path)
    if found != entry["sha256"]:
        path.unlink()
        raise JarsUnavailable(f"{path.name} has SHA-256 {found}, the lock file says {entry['sha256']}: it was not used")
    return path


def _fetch(artifact: Any) -> None:
    import requests

    try:
        artifact.resolve()
    except (RuntimeError, requests.RequestException) as error:
        raise JarsUnavailable(f"{artifact} could not be fetched ({error}): the first start needs the network") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
