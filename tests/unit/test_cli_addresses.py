"""Which API and which servers a command speaks to, and whose key it shows to whom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from cli import login_file
from cli.api import find_api
from cli.exits import Misused, Unreachable
from cli.login_file import Login
from cli.servers import local_account, servers
from local.data_folder import write_stack_file
from runtime.errors import DependencyUnavailable, SettingsError
from runtime.settings import load

ACCOUNT = "0199c0de-0000-7000-8000-000000000001"
STACK = {
    "api_url": "http://127.0.0.1:1234",
    "api_key": "val_live_local",
    "account_id": ACCOUNT,
    "environment": {
        "DATABASE_URL": "postgresql://local",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "valence-local",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:8",
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a local stack; nothing else is known. Commands may change the environment: it is put back."""
    before = dict(os.environ)
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        os.environ.pop(name, None)
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    write_stack_file(tmp_path, STACK)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


def test_without_flags_and_environment_the_local_stack_is_asked_with_its_own_key(folder: Path) -> None:
    api = find_api(None, None, folder)
    assert (api.url, api.key) == ("http://127.0.0.1:1234", "val_live_local")


def test_an_address_that_is_given_wins_over_the_local_stack(folder: Path) -> None:
    api = find_api("https://valence.example", "val_live_other", folder)
    assert (api.url, api.key) == ("https://valence.example", "val_live_other")


def test_the_local_stacks_key_is_never_sent_to_another_address(folder: Path) -> None:
    with pytest.raises(Misused, match=r"no key for https://valence\.example"):
        find_api("https://valence.example", None, folder)


def test_another_key_can_be_used_with_the_local_stack(folder: Path) -> None:
    assert find_api(None, "val_live_other", folder).key == "val_live_other"


def test_whoever_has_signed_in_needs_no_address_and_no_key(folder: Path) -> None:
    os.environ["VALENCE_LOCAL_DATA_DIR"] = str(folder)
    login_file.write(Login(api_url="https://valence.example", api_key="val_live_mine", made_here=True))
    assert find_api(None, None, None)[:2] == ("https://valence.example", "val_live_mine")
    assert find_api("https://valence.example/", None, None).key == "val_live_mine"
    assert find_api(None, None, folder)[:2] == ("http://127.0.0.1:1234", "val_live_local"), "a data folder that is named is meant"
    with pytest.raises(Misused, match="no key"):
        find_api("https://evil.example", None, None)
    assert find_api("https://evil.example", "val_live_other", None).key == "val_live_other"
    assert login_file.path().stat().st_mode & 0o777 == 0o600
    assert login_file.path().parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_without_a_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"no local stack has run on .*nowhere"):
        find_api(None, None, tmp_path / "nowhere")


def test_one_server_without_the_other_is_named_with_what_to_do(folder: Path) -> None:
    os.environ["DATABASE_URL"] = "postgresql://elsewhere"
    with (
        pytest.raises(Misused, match=r"KAFKA_BOOTSTRAP_SERVERS is not set, but DATABASE_URL is: .* --data"),
        servers(None),
    ):
        pass
    with servers(folder) as settings:
        assert settings.database_url == "postgresql://local"


def test_a_process_that_is_not_told_where_its_servers_are_says_how_and_what_sets_it() -> None:
    with pytest.raises(SettingsError, match=r"DATABASE_URL \(such as postgresql://.*\) must be set.*`make up`.*docs/settings\.md"):
        load({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"})


def test_what_is_no_address_of_postgresql_is_refused_without_the_password_in_it() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is no address of a PostgreSQL database: expected one such as") as refused:
        load({"DATABASE_URL": "postgres:user:a-secret@host", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"})
    assert "a-secret" not in str(refused.value)


def test_the_local_stacks_servers_replace_every_aws_setting_of_the_user(folder: Path) -> None:
    os.environ["AWS_PROFILE"] = "production"
    os.environ["AWS_SECRET_ACCESS_KEY"] = "of production"
    with servers(folder) as settings:
        assert settings.database_url == "postgresql://local"
        assert {name for name in os.environ if name.startswith("AWS_")} == {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3"}


def test_the_environment_wins_as_a_whole_where_it_names_servers(folder: Path) -> None:
    os.environ |= {"VALENCE_LOCAL_DATA_DIR": str(folder), "DATABASE_URL": "postgresql://mine", "KAFKA_BOOTSTRAP_SERVERS": "mine:9092"}
    os.environ["AWS_PROFILE"] = "mine"
    with servers(None) as settings:
        assert (settings.database_url, settings.kafka_bootstrap_servers) == ("postgresql://mine", "mine:9092")
        assert os.environ["AWS_PROFILE"] == "mine"
        assert "AWS_ENDPOINT_URL_S3" not in os.environ
    assert local_account(None) is None


def test_the_data_flag_wins_over_the_environment(folder: Path) -> None:
    os.environ |= {"DATABASE_URL": "postgresql://mine", "KAFKA_BOOTSTRAP_SERVERS": "mine:9092"}
    with servers(folder) as settings:
        assert settings.database_url == "postgresql://local"
    assert local_account(folder) == UUID(ACCOUNT)


def test_a_server_that_is_away_is_named_with_where_its_address_is_from(folder: Path) -> None:
    with pytest.raises(Unreachable, match=r"kafka is unavailable: refused\. The address is from .*stack\.json"), servers(folder):
        raise DependencyUnavailable("kafka", "refused")
