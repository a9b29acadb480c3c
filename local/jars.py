"""The Java archives of Kafka and ElasticMQ: exactly those in the committed lock files, fetched once and verified.

A lock file (`archives/NAME/jgo.lock.toml`) holds coordinates and SHA-256 sums. `jgo --class-path-only lock` beside a
`jgo.toml` writes it anew.
"""

import hashlib
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.errors import JarsUnavailable

_LOCKS = Path(__file__).parent / "archives"
#: Downloads at once. The registry is far away and most archives are small.
_DOWNLOADS = 8


def class_path(name: str) -> list[Path]:
    """The archives of one Java server, fetched if they are not in the machine's Maven repository yet.

    `name` is a folder under `archives/`. Every file is compared with the lock before it is used, each time. The repository is the one that
    `M2_REPO` names, or `~/.m2/repository`, as everywhere with Maven. Raises JarsUnavailable.
    """
    repository = Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")
    locked = tomllib.loads((_LOCKS / name / "jgo.lock.toml").read_text())["dependencies"]
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        return list(pool.map(lambda entry: _archive(repository, entry), locked))


def _archive(repository: Path, entry: dict[str, str]) -> Path:
    name, version = entry["artifactId"], entry["version"]
    path = repository.joinpath(*entry["groupId"].split("."), name, version, f"{name}-{version}.{entry['packaging']}")
    if path.exists() and _sha256(path) == entry["sha256"]:
        return path
    path.unlink(missing_ok=True)  # a download that was cut off leaves half a file in the repository
    _fetch(repository, entry)
    found = _sha256(path)
    if found != entry["sha256"]:
        path.unlink()
        raise JarsUnavailable(f"{path.name} has SHA-256 {found}, the lock file says {entry['sha256']}: it was not used")
    return path


def _fetch(repository: Path, entry: dict[str, str]) -> None:
    # Here: it takes 0.3 s, and a stack whose archives are all there has a start to make.
    import requests
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=repository, timeout=60)
    artifact = context.project(entry["groupId"], entry["artifactId"]).at_version(entry["version"]).artifact("", entry["packaging"])
    try:
        artifact.resolve()
    except (RuntimeError, requests.RequestException) as error:
        raise JarsUnavailable(f"{artifact} could not be fetched ({error}): the first start needs the network") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
