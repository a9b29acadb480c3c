"""Many analyses as one archive: what it holds, what it says of what it does not hold, and that nobody else's is in it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest

from api import accounts, app
from api.archive_places import ArchivePlaces
from cli.main import run as valence
from runtime import erasure
from runtime.database import Database
from runtime.erasure import Erased
from runtime.settings import Settings
from schemas.resources import PROBLEM_TYPES
from tests.api_process import ApiProcess
from tests.documentation import run
from tests.integration.over_http.spoken import Keep, document
from tests.upload_calls import problem

SAID = document(("joy", "A word", 2))


async def archive(http: httpx.AsyncClient, **query: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """The files of an archive but its manifest, and the manifest."""
    answer = await http.get("/v1/analyses.zip", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        assert opened.testzip() is None
        files = {name: opened.read(name).decode() for name in opened.namelist()}
    return files, json.loads(files.pop("manifest.json"))


async def test_an_archive_has_every_format_of_each_upload_as_it_is_given_alone(http: httpx.AsyncClient, keep: Keep) -> None:
    upload_id = await keep(SAID, document(("anger", "Another", 3)), name="talk.mp4")
    files, manifest = await archive(http, format=["json", "srt", "vtt", "csv", "eaf"])
    assert sorted(files) == ["talk.csv", "talk.eaf", "talk.json", "talk.srt", "talk.vtt"]
    for name, content in files.items():
        alone = await http.get(f"/v1/uploads/{upload_id}/analysis{Path(name).suffix}")
        assert content == alone.content.decode()
    (entry,) = manifest["uploads"]
    assert (entry["id"], entry["attempt"], sorted(entry["files"])) == (upload_id, 2, sorted(files))
    assert manifest["complete"]


async def test_an_archive_has_what_the_filters_leave(http: httpx.AsyncClient, keep: Keep) -> None:
    await keep(document(("anger", "A word", 2)), name="angry.mp4")
    await keep(SAID, name="happy.mp4")
    assert list((await archive(http, q="word", emotion="joy", format="srt"))[0]) == ["happy.srt"]
    assert (await archive(http, q="nobodysaysthis"))[0] == {}


async def test_names_lead_nowhere_and_are_given_once(http: httpx.AsyncClient, keep: Keep) -> None:
    for name in ("../../etc/passwd", "talk.mp4", "TALK.mov", "manifest.json", "Füße 👣.mp4"):
        await keep(SAID, name=name)
    files, manifest = await archive(http)
    assert set(files) == {"_.._etc_passwd.json", "Füße 👣.json", "TALK.json", "manifest (2).json", "talk (2).json"}
    assert {name for entry in manifest["uploads"] for name in entry["files"]} == set(files)


async def test_what_was_ingested_has_the_name_of_its_object(http: httpx.AsyncClient, keep: Keep) -> None:
    await keep(SAID, name=None)
    assert list((await archive(http, format=["srt", "eaf"]))[0]) == ["clip.srt", "clip.eaf"]


async def test_what_is_erased_strange_or_not_ready_is_reported_and_the_rest_is_there(
    http: httpx.AsyncClient, settings: Settings, database: Database, keep: Keep
) -> None:
    there, erased, empty = await keep(SAID, name="there.mp4"), await keep(SAID), await keep()
    stranger = await accounts.create_account(database, f"other-{uuid4()}")
    theirs = await keep(SAID, owner=stranger)
    async with database.transaction() as connection:
        await erasure.erase_upload(connection, settings, UUID(erased), await erasure.begin(connection, Erased.UPLOAD))
    files, manifest = await archive(http, id=[erased, theirs, "x", empty, there], format="srt")
    assert list(files) == ["there.srt"]
    problems = {entry["id"]: entry.get("problem", {}).get("type", "").removeprefix(PROBLEM_TYPES) for entry in manifest["uploads"]}
    missing = dict.fromkeys([erased, theirs, "x"], "no-such-upload")
    assert problems == {**missing, empty: "no-analysis", there: ""}


async def test_more_than_a_page_of_uploads_are_all_there(http: httpx.AsyncClient, keep: Keep) -> None:
    for _ in range(101):
        await keep(SAID)
    assert len((await archive(http))[0]) == 101


@pytest.mark.parametrize(("field", "value"), [("format", "docx"), ("q", "!!!"), ("emotion", "happy"), ("created_after", "yesterday")])
async def test_a_wrong_value_is_named_before_an_archive_begins(http: httpx.AsyncClient, field: str, value: str) -> None:
    answer = await http.get("/v1/analyses.zip", params={field: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_account_that_is_being_sent_as_many_as_it_may_is_told_so(settings: Settings, database: Database, key: str) -> None:
    services = replace(app.connect(settings), database=database, archives=ArchivePlaces(per_account=0))
    transport = httpx.ASGITransport(cast("Any", app.create_app(services)))  # the two name the types of ASGI differently
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"Authorization": f"Bearer {key}"}) as http:
        refused = await http.get("/v1/analyses.zip")
    assert (problem(refused), refused.headers["retry-after"]) == ((429, "too-many-archives"), "5")


async def test_the_command_line_writes_an_archive_and_tells_what_is_not_in_it(
    api: ApiProcess, key: str, keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(SAID, name="talk.mp4")
    file, found = tmp_path / "all.zip", ["--api-url", api.url, "--api-key", key]
    assert await asyncio.to_thread(valence, ["export", str(file), "--format", "srt", "--format", "eaf", *found]) == 0
    assert "1 analysis," in capsys.readouterr().out
    assert sorted(zipfile.ZipFile(file).namelist()) == ["manifest.json", "talk.eaf", "talk.srt"]
    await keep(name="empty.mp4")
    assert await asyncio.to_thread(valence, ["export", str(file), *found]) == 1
    assert "empty.mp4: the upload is completed and has no analysis" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["all.zip"]


@pytest.mark.parametrize("language", ["sh", "python"])
async def test_the_examples_of_archives_make_one(api: ApiProcess, key: str, keep: Keep, tmp_path: Path, language: str) -> None:
    await keep(document(("anger", "No!", 2)), name="talk.mp4")
    said = await asyncio.to_thread(run, "exports.md", language, tmp_path, VALENCE_API_URL=api.url, VALENCE_API_KEY=key)
    assert "talk.eaf" in said
    assert "talk.srt" in said
