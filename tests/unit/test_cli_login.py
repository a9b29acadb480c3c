"""What signing in from the command line leaves behind, before an API that answers as the test says."""

from __future__ import annotations

import io
import sys

import httpx
import pytest

from cli import login
from cli.main import run
from schemas.resources import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES

REFUSED = {"type": f"{PROBLEM_TYPES}email-unverified", "title": "x", "status": 403, "detail": "open the link first"}


def test_no_session_is_left_where_no_key_may_be_made(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        if asked[-1] == ("POST", "/v1/keys"):
            return httpx.Response(403, json=REFUSED, headers={"Content-Type": PROBLEM_MEDIA_TYPE})
        return httpx.Response(204)

    monkeypatch.setattr(login, "_client", lambda url: httpx.Client(base_url=url, transport=httpx.MockTransport(answer)))
    monkeypatch.setattr(sys, "stdin", io.StringIO("a password\n"))
    assert run(["login", "--api-url", "http://api.example", "--email", "somebody@example.org"]) == 1
    assert "open the link first" in capsys.readouterr().err
    assert asked == [("POST", "/v1/session"), ("POST", "/v1/keys"), ("DELETE", "/v1/session")]
