"""A source that S3 denies is waited for as long as a new permission may take, and then it is refused: it holds up nobody else for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runtime.errors import AccessDenied
from runtime.settings import Settings
from schemas.events import UploadReceived, UploadRejected
from schemas.jobs import source_key
from stream_processors import validate as validation
from stream_processors.validate import Validate
from tests.chain import upload_received


def denying(monkeypatch: pytest.MonkeyPatch) -> Validate:
    """A validation to which S3 says AccessDenied of every object."""

    async def open_object(*_: object) -> None:
        raise AccessDenied("s3", "AccessDenied: the role needs s3:GetObject and s3:ListBucket")

    async def admit(event: UploadReceived) -> bool:
        return True

    nothing: Any = None
    storage: Any = SimpleNamespace(open=open_object)
    validate = Validate(Settings(database_url="unused", kafka_bootstrap_servers="unused"), nothing, storage, nothing)
    monkeypatch.setattr(validate, "_admit", admit)
    return validate


async def test_a_denied_source_is_waited_for_and_then_rejected_as_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    validate, event = denying(monkeypatch), upload_received()
    for _ in range(3):
        with pytest.raises(AccessDenied):
            await validate.handle(event)
    monkeypatch.setattr(validation, "DENIED_SECONDS", 0.0)
    (rejected,) = await validate.handle(event)
    assert isinstance(rejected, UploadRejected)
    assert (rejected.failure.code, rejected.failure.retryable) == ("object_unreadable", True)
    assert "s3://valence/ingest/clip.mp4" in rejected.failure.message
    assert "s3:GetObject" in rejected.failure.message
    assert validate._denied == {}


async def test_each_attempt_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    validate, event = denying(monkeypatch), upload_received()
    with pytest.raises(AccessDenied):
        await validate.handle(event)
    monkeypatch.setattr(validation, "DENIED_SECONDS", 1e-9)
    with pytest.raises(AccessDenied):
        await validate.handle(upload_received(event.upload_id, event.account_id, attempt=2))


async def test_what_valence_itself_has_put_into_s3_is_waited_for_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "DENIED_SECONDS", 0.0)
    event = upload_received()
    ours = upload_received(event.upload_id, event.account_id, key=source_key(event.upload_id))
    with pytest.raises(AccessDenied):
        await denying(monkeypatch).handle(ours)
