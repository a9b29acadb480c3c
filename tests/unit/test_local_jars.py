"""The Java archives are those of the lock files, or they are not used."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from local import jars
from local.errors import JarsUnavailable

GOOD = b"the archive that was tested"


class FakeMaven:
    """A registry with one archive, whose download yields the next of `downloads`."""

    def __init__(self, cached_path: Path, downloads: Iterator[bytes]) -> None:
        self._cached_path = cached_path
        self._downloads = downloads

    def project(self, group: str, name: str) -> "FakeMaven":
        return self

    def at_version(self, version: str) -> "FakeMaven":
        return self

    def artifact(self, classifier: str, packaging: str) -> "FakeMaven":
        return self

    def resolve(self) -> None:
        body = next(self._downloads, None)
        if body is None:
            raise RuntimeError("not found")
        self._cached_path.write_bytes(body)


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "locks" / "server"
    folder.mkdir(parents=True)
    entry = f'groupId = "g"\nartifactId = "a"\nversion = "1"\npackaging = "jar"\nsha256 = "{hashlib.sha256(GOOD).hexdigest()}"\n'
    (folder / "jgo.lock.toml").write_text(f"[[dependencies]]\n{entry}")
    monkeypatch.setattr(jars, "_LOCKS", tmp_path / "locks")


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the archive lies in the machine's Maven repository."""
    monkeypatch.setenv("M2_REPO", str(tmp_path / "repository"))
    path = tmp_path / "repository" / "g" / "a" / "1" / "a-1.jar"
    path.parent.mkdir(parents=True)
    return path


def registry(monkeypatch: pytest.MonkeyPatch, cached: Path, *downloads: bytes) -> None:
    maven = FakeMaven(cached, iter(downloads))
    monkeypatch.setattr("jgo.maven.MavenContext", lambda **_: maven)


@pytest.mark.usefixtures("lock")
def test_an_archive_in_the_repository_is_used_without_the_network(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached.write_bytes(GOOD)
    registry(monkeypatch, cached)
    assert jars.class_path("server") == [cached]


def test_the_place_of_an_archive_is_the_one_where_it_is_fetched_to(tmp_path: Path) -> None:
    entry = {
        "groupId": "org.example.deep",
        "artifactId": "some-name",
        "version": "1.2",
        "packaging": "jar",
        "sha256": hashlib.sha256(GOOD).hexdigest(),
    }
    fetched = MavenContext(repo_cache=tmp_path).project("org.example.deep", "some-name").at_version("1.2").artifact("", "jar").cached_path
    assert fetched is not None
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(GOOD)
    assert jars._archive(tmp_path, entry) == fetched


@pytest.mark.usefixtures("lock")
def test_half_an_archive_from_a_broken_download_is_fetched_again(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached.write_bytes(GOOD[:5])
    registry(monkeypatch, cached, GOOD)
    assert jars.class_path("server") == [cached]
    assert cached.read_bytes() == GOOD


@pytest.mark.usefixtures("lock")
def test_an_archive_other_than_the_locked_one_is_refused_and_not_kept(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, cached, b"something else")
    with pytest.raises(JarsUnavailable, match=r"a-1\.jar has SHA-256 .* the lock file says .*: it was not used"):
        jars.class_path("server")
    assert not cached.exists()


@pytest.mark.usefixtures("lock")
def test_a_registry_that_cannot_be_reached_is_told_as_such(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry(monkeypatch, cached)
    with pytest.raises(JarsUnavailable, match="the first start needs the network"):
        jars.class_path("server")


@pytest.mark.parametrize("server", ["kafka", "elasticmq"])
def test_a_lock_file_names_sums_for_everything_and_no_address(server: str) -> None:
    text = (Path(jars.__file__).parent / "archives" / server / "jgo.lock.toml").read_text()
    assert len(re.findall(r'^sha256 = "[0-9a-f]{64}"$', text, re.MULTILINE)) == text.count("[[dependencies]]") > 30
    assert "://" not in text
