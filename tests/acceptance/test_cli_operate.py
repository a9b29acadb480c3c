"""The operator's commands on real servers: accounts, keys, topics, storage, database, dead letters, ingestion."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api import credentials
from api.accounts import authenticate
from consumers import dead_letters
from runtime.database import Database
from runtime.kafka import Received
from runtime.settings import Settings
from schemas.dead_letters import dead_letter
from schemas.topics import TOPICS, UPLOADS_RECEIVED
from tests.command_line import valence
from tests.topic_records import on_topic


def run(tmp_path: Path, servers: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return valence(tmp_path, *map(str, arguments), **servers)


async def test_a_new_key_works_until_it_is_revoked_and_lists_show_no_secret(
    tmp_path: Path, servers: dict[str, str], database: Database
) -> None:
    name = f"acme-{uuid4()}"
    created = run(tmp_path, servers, "accounts", "create", name)
    assert created.returncode == 0
    assert name in run(tmp_path, servers, "accounts", "list").stdout

    made = run(tmp_path, servers, "keys", "create", "--account", name)
    key = credentials.parse(made.stdout.strip())
    assert str((await authenticate(database, key.text)).account_id) in created.stdout

    listed = run(tmp_path, servers, "keys", "list", "--account", name)
    assert key.id in listed.stdout
    assert key.secret not in listed.stdout

    assert run(tmp_path, servers, "keys", "revoke", key.text).returncode == 0
    assert "revoked" in run(tmp_path, servers, "keys", "list", "--account", name).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["keys", "create", "--account", "nobody"], "there is no account named 'nobody'"),
        (["keys", "list", "--account", "nobody"], "there is no account named 'nobody'"),
        (["keys", "revoke", "nothing"], "there is no key with the id 'nothing'"),
        (["dead-letters", "show", "987654"], "there is no dead letter 987654"),
    ],
)
def test_what_is_not_there_ends_with_1_and_is_named(tmp_path: Path, servers: dict[str, str], arguments: list[str], words: str) -> None:
    done = run(tmp_path, servers, *arguments)
    assert done.returncode == 1
    assert words in done.stderr


def test_creating_what_is_there_changes_nothing(tmp_path: Path, servers: dict[str, str]) -> None:
    assert f"created 0, {len(TOPICS)} were there" in run(tmp_path, servers, "topics", "create").stdout
    assert "up to date" in run(tmp_path, servers, "database", "migrate").stdout
    assert run(tmp_path, servers, "storage", "create").returncode == 0


def test_every_topic_is_listed(tmp_path: Path) -> None:
    listed = valence(tmp_path, "topics", "list").stdout
    assert [line.split()[0] for line in listed.splitlines()[2:]] == [topic.name for topic in TOPICS]


def test_servers_that_do_not_answer_end_with_3_and_are_named(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgresql://valence@127.0.0.1:1/valence", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = valence(tmp_path, "accounts", "list", **away)
    assert done.returncode == 3
    for words in ("postgresql is unavailable", "the environment", "`valence local up`"):
        assert words in done.stderr


def test_without_any_servers_it_ends_with_3_and_says_where_it_looked(tmp_path: Path) -> None:
    done = valence(tmp_path, "dead-letters", "list")
    assert done.returncode == 3
    for words in ("DATABASE_URL", str(tmp_path / "no-stack"), "`valence local up`"):
        assert words in done.stderr


async def a_dead_letter(database: Database, value: bytes) -> int:
    """A record that a stage has dead-lettered, as the consumer of dead letters keeps it; its number."""
    offset = uuid4().int % 2**62
    record = dead_letter(
        topic=UPLOADS_RECEIVED.name,
        partition=0,
        offset=offset,
        key=b"key",
        value=value,
        headers=[("ce_type", b"upload.received.v1"), ("bytes", b"\xff\x00")],
        stage="validate",
        reason="payload",
        error="not an event",
    )
    now = int(datetime.now(UTC).timestamp() * 1000)
    async with database.transaction() as connection:
        await dead_letters.keep(connection, [Received(record.topic, 0, 0, record.key, record.value, record.headers, now)])
    (found,) = [
        letter
        for letter in await dead_letters.listed(database, most=10_000)
        if (await dead_letters.shown(database, letter["id"]))["kafka_offset"] == offset
    ]
    return int(found["id"])


async def test_a_dead_letter_is_listed_shown_and_redriven_byte_for_byte(
    tmp_path: Path, servers: dict[str, str], settings: Settings, database: Database
) -> None:
    value = b"\xfe\x00 not json " + uuid4().bytes
    number = await a_dead_letter(database, value)
    listed = run(tmp_path, servers, "dead-letters", "list").stdout
    assert any(line.split()[0] == str(number) and "not an event" in line for line in listed.splitlines()[2:])
    shown = run(tmp_path, servers, "dead-letters", "show", number).stdout
    assert repr(value) in shown

    done = run(tmp_path, servers, "dead-letters", "redrive", number, "--yes")
    assert (done.returncode, done.stdout) == (0, f"{number} is on {UPLOADS_RECEIVED.name} again\n")
    (record,) = on_topic(settings, UPLOADS_RECEIVED, value)
    assert (record.key, record.headers) == (b"key", [("ce_type", b"upload.received.v1"), ("bytes", b"\xff\x00")])
    assert not any(line.split()[:1] == [str(number)] for line in run(tmp_path, servers, "dead-letters", "list").stdout.splitlines())


async def test_nothing_is_redriven_without_a_yes(tmp_path: Path, servers: dict[str, str], settings: Settings, database: Database) -> None:
    value = uuid4().bytes
    number = await a_dead_letter(database, value)
    done = run(tmp_path, servers, "dead-letters", "redrive", number)  # nobody answers the question
    assert done.returncode == 130
    assert on_topic(settings, UPLOADS_RECEIVED, value) == []


async def test_all_dead_letters_of_a_topic_are_redriven_at_once(
    tmp_path: Path, servers: dict[str, str], settings: Settings, database: Database
) -> None:
    values = [uuid4().bytes for _ in range(3)]
    for value in values:
        await a_dead_letter(database, value)
    assert run(tmp_path, servers, "dead-letters", "redrive", "--all", UPLOADS_RECEIVED.name, "--yes").returncode == 0
    assert [len(on_topic(settings, UPLOADS_RECEIVED, value)) for value in values] == [1, 1, 1]


def test_redriving_needs_numbers_or_a_topic_and_not_both(tmp_path: Path) -> None:
    for arguments in ([], ["7", "--all", UPLOADS_RECEIVED.name]):
        assert valence(tmp_path, "dead-letters", "redrive", *arguments).returncode == 2


def test_a_folder_is_ingested_and_then_its_objects_where_they_lie(
    tmp_path: Path, servers: dict[str, str], settings: Settings, account: UUID
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a.mp4", "b.mkv", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    first = run(tmp_path, servers, "ingest", folder, "--account", account)
    assert (first.returncode, first.stdout) == (0, "2 announced, 0 were announced before: `valence watch` follows them\n")
    again = run(tmp_path, servers, "ingest", folder, "--account", account)
    assert again.stdout.startswith("0 announced, 2 were announced before")
    prefix = run(tmp_path, servers, "ingest", f"s3://{settings.storage.bucket}/ingest/{account}/", "--account", account)
    assert prefix.stdout.startswith("2 announced")


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("missing-folder", 2, "missing-folder is no folder"),
        ("s3://", 2, "names no bucket"),
        ("s3://valence/ingest/nothing-here/", 1, "nothing to ingest"),
        ("s3://no-such-bucket/ingest/", 1, "`valence storage create`"),
    ],
)
def test_what_cannot_be_ingested_is_named(
    tmp_path: Path, servers: dict[str, str], account: UUID, source: str, code: int, words: str
) -> None:
    done = run(tmp_path, servers, "ingest", source, "--account", account)
    assert done.returncode == code
    assert words in done.stderr


def test_nothing_is_announced_for_an_account_that_there_is_not(tmp_path: Path, servers: dict[str, str], settings: Settings) -> None:
    (tmp_path / "a.mp4").write_bytes(b"a")
    stranger = uuid4()
    done = run(tmp_path, servers, "ingest", tmp_path, "--account", stranger)
    assert done.returncode == 1
    assert done.stderr == f"valence: there is no account with the id '{stranger}': `valence accounts list` lists them\n"
    assert on_topic(settings, UPLOADS_RECEIVED, str(stranger).encode()) == []


def test_ingestion_needs_an_account(tmp_path: Path, servers: dict[str, str]) -> None:
    done = run(tmp_path, servers, "ingest", tmp_path)
    assert done.returncode == 2
    assert "--account" in done.stderr
