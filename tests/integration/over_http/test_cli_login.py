"""Signing in from the command line, as a subprocess before the real API, and what an operator does for people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from cli.exits import Exit
from cli.main import run
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
    tmp_path: Path, api: ApiProcess, servers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def operate(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, ["accounts", *arguments])
        return code, *capsys.readouterr()

    email = f"{uuid4()}@example.org"
    for command in ("invite", "reset-password"):
        code, link, complained = await operate(command, email, "--url", "https://valence.example")
        assert code == Exit.COMPLETED, complained
        before, _, token = link.strip().partition("#reset=")
        assert before == "https://valence.example/"
        async with browser(api.url) as http:
            chosen = {"token": token, "new_password": f"{PASSWORD} {command}"}
            assert (await http.put("/v1/password-resets", json=chosen)).status_code == 204
            who = {"email": email, "password": chosen["new_password"]}
            assert (await http.post("/v1/session", json=who)).json()["account"]["plan"] == "free"
    assert (await operate("invite", "nonsense"))[0] == Exit.USAGE
    code, _, complained = await operate("invite", email, "--url", "https://x.example")
    assert (code, "reset-password" in complained) == (Exit.NOT_COMPLETED, True)
    kept = valence(tmp_path, "accounts", "delete", email, typed="n\n", **servers)
    assert kept.returncode == 130
    assert (await operate("delete", email, "--yes"))[0] == Exit.COMPLETED
    async with browser(api.url) as http:
        assert problem(await http.post("/v1/session", json=who)) == (401, "wrong-credentials")


@pytest.mark.usefixtures("servers")
def test_an_operator_defines_plans_and_gives_them_to_accounts(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"plan-{uuid4()}"
    assert run(["accounts", "create", name]) == Exit.COMPLETED
    assert run(["plans", "define", name, "--videos", "7"]) == Exit.COMPLETED
    assert run(["plans", "set", name, name]) == Exit.COMPLETED
    capsys.readouterr()
    assert run(["plans", "list"]) == Exit.COMPLETED
    (line,) = [line for line in capsys.readouterr().out.splitlines() if name in line]
    assert line.split() == ["7", "unlimited", "1", name]
    assert run(["plans", "set", name, "nonsense"]) == Exit.NOT_COMPLETED
    assert "plans list" in capsys.readouterr().err
