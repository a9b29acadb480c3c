"""Signing in from the command line, and what an operator does for people, as subprocesses before the real API."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api_process import ApiProcess
from tests.command_line import valence
from tests.integration.over_http.people import PASSWORD, browser, problem, sign_up


async def test_signing_in_makes_a_key_that_commands_use_and_signing_out_revokes_it(tmp_path: Path, api: ApiProcess) -> None:
    async with browser(api.url) as http:
        person = await sign_up(http)
        arguments = ("login", "--api-url", api.url, "--email", person.email)
        done = valence(tmp_path, *arguments, typed=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
        file = tmp_path / "config" / "valence" / "login.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in file.read_text()
        assert "val_live_" not in done.stdout + done.stderr
        assert len((await person.http.get("/v1/sessions")).json()["data"]) == 1, "the command's own session has ended"
        assert valence(tmp_path, "uploads", "list").returncode == 0
        (key,) = (await person.http.get("/v1/keys")).json()["data"]
        assert key["name"].startswith("valence login on")
        assert valence(tmp_path, "logout").returncode == 0
        assert not file.exists()
        (key,) = (await person.http.get("/v1/keys")).json()["data"]
        assert key["revoked_at"] is not None
        assert "nobody" in valence(tmp_path, "logout").stdout


async def test_a_key_that_somebody_has_is_kept_and_not_revoked(tmp_path: Path, api: ApiProcess, key: str) -> None:
    wrong = valence(tmp_path, "login", "--api-url", api.url, "--api-key", "val_live_x")
    assert (wrong.returncode, "not an API key" in wrong.stderr) == (2, True)
    assert valence(tmp_path, "login", "--api-url", api.url, "--api-key", key).returncode == 0
    assert valence(tmp_path, "uploads", "list").returncode == 0
    assert valence(tmp_path, "logout").returncode == 0
    async with httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {key}"}) as http:
        assert (await http.get("/v1/uploads")).status_code == 200


@pytest.mark.usefixtures("servers")
async def test_an_operator_invites_somebody_resets_a_password_and_deletes_an_account(
    tmp_path: Path, api: ApiProcess, servers: dict[str, str]
) -> None:
    email = f"{uuid4()}@example.org"
    for command in ("invite", "reset-password"):
        link = valence(tmp_path, "accounts", command, email, "--url", "https://valence.example", **servers)
        assert link.returncode == 0, link.stderr
        before, _, token = link.stdout.strip().partition("#reset=")
        assert before == "https://valence.example/"
        async with browser(api.url) as http:
            chosen = {"token": token, "new_password": f"{PASSWORD} {command}"}
            assert (await http.put("/v1/password-resets", json=chosen)).status_code == 204
            who = {"email": email, "password": chosen["new_password"]}
            assert (await http.post("/v1/session", json=who)).json()["account"]["plan"] == "free"
    assert valence(tmp_path, "accounts", "invite", "nonsense", **servers).returncode == 2
    again = valence(tmp_path, "accounts", "invite", email, "--url", "https://x.example", **servers)
    assert (again.returncode, "reset-password" in again.stderr) == (1, True)
    kept = valence(tmp_path, "accounts", "delete", email, typed="n\n", **servers)
    assert kept.returncode == 130
    assert valence(tmp_path, "accounts", "delete", email, "--yes", **servers).returncode == 0
    async with browser(api.url) as http:
        assert problem(await http.post("/v1/session", json=who)) == (401, "wrong-credentials")


@pytest.mark.usefixtures("api")
def test_an_operator_defines_plans_and_gives_them_to_accounts(tmp_path: Path, servers: dict[str, str]) -> None:
    name = f"plan-{uuid4()}"
    assert valence(tmp_path, "accounts", "create", name, **servers).returncode == 0
    assert valence(tmp_path, "plans", "define", name, "--videos", "7", **servers).returncode == 0
    assert valence(tmp_path, "plans", "set", name, name, **servers).returncode == 0
    (line,) = [line for line in valence(tmp_path, "plans", "list", **servers).stdout.splitlines() if name in line]
    assert line.split() == ["7", "unlimited", "1", name]
    missing = valence(tmp_path, "plans", "set", name, "nonsense", **servers)
    assert (missing.returncode, "plans list" in missing.stderr) == (1, True)
