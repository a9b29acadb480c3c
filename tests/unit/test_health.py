"""What a process says of itself while a server is away."""

from __future__ import annotations

import pytest

from runtime import health
from runtime.errors import DependencyUnavailable
from runtime.health import Readiness


async def test_while_a_server_hangs_a_process_is_not_ready_during_a_try_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try takes seconds then, and the pauses between them are short."""
    monkeypatch.setattr(health, "backoff", lambda attempt, cap: 0.0)
    readiness = Readiness()
    readiness.started = True
    seen: list[list[str]] = []

    async def work() -> None:
        seen.append(readiness.obstacles)
        if len(seen) < 4:
            raise DependencyUnavailable("s3" if len(seen) < 3 else "postgresql", "no answer")

    await readiness.insist(work)
    assert seen == [[], ["waiting for s3"], ["waiting for s3"], ["waiting for postgresql"]]
    assert readiness.obstacles == []
