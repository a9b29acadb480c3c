"""What the tests of deploying share: a small archive, an endpoint that is wanted, and an account of moto's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployment import package
from deployment.wanted import Wanted
from tests.aws_account import Recorded
from tests.deployments import empty_account, wanting


@pytest.fixture(scope="session")
def small_package(tmp_path_factory: pytest.TempPathFactory) -> package.Package:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "weights.txt").write_text("few")
    return package.build(folder / "model.tar.gz", folder=folder)


@pytest.fixture
def wanted(small_package: package.Package) -> Wanted:
    return wanting(small_package)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    with empty_account(monkeypatch) as made:
        yield made
