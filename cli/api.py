"""Where the API is and who asks: flags first, then the environment, then the login file, then the stack.json of the local stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from cli import login_file
from cli.exits import Misused, Unreachable
from cli.servers import data_option
from local.data_folder import STACK_FILE, default_data_folder, read_stack_file
from valence import Client, ServiceUnreachable

Command = TypeVar("Command", bound=Callable[..., Any])

_URL, _KEY = "VALENCE_API_URL", "VALENCE_API_KEY"


class Api(NamedTuple):
    """The address of an API, a key for it, and where they were found."""

    url: str
    key: str
    origin: str


def api_options(command: Command) -> Command:
    """`--api-url`, `--api-key` and `--data`: which API, and who asks."""
    url = click.option("--api-url", envvar=_URL, show_envvar=True, metavar="URL", help="The API's address; else that of the local stack.")
    key = click.option("--api-key", envvar=_KEY, show_envvar=True, metavar="KEY", help="An API key; else that of the local stack.")
    return url(key(data_option(command)))


def find_api(url: str | None, key: str | None, data: Path | None) -> Api:
    """The API to speak to. The local stack's key is never sent to another address."""
    login = login_file.read()
    if url is not None:
        _check(url)
        if key is None and login is not None and login.api_url == url.rstrip("/"):
            key = login.api_key
        if key is None:
            raise Misused(f"there is no key for {url}: sign in with `valence login`, or give one with --api-key or {_KEY}")
        return Api(url, key, f"--api-url or {_URL}")
    if login is not None and data is None:
        return Api(login.api_url, key or login.api_key, str(login_file.path()))
    folder = data or default_data_folder()
    known = read_stack_file(folder)
    if "api_url" not in known:
        raise Unreachable(
            f"no API is known: there is no --api-url, {_URL} is not set, and no local stack has run on {folder}; "
            "start one with `valence local up`, or give an address"
        )
    return Api(known["api_url"], key or known["api_key"], str(folder / STACK_FILE))


def known_url(url: str | None, data: Path | None) -> str:
    """The API to sign in to: the one that is given, else the local stack's."""
    found = url or read_stack_file(data or default_data_folder()).get("api_url")
    if found is None:
        raise Misused(f"no API is known: give its address with --api-url or {_URL}, or start a local stack with `valence local up`")
    _check(found)
    return str(found).rstrip("/")


def _check(url: str) -> None:
    if not re.match(r"https?://[^/\s]", url):
        raise Misused(f"{url!r} is no address of an API: expected one such as https://valence.example or http://127.0.0.1:8000")


@contextmanager
def connected(api: Api) -> Iterator[Client]:
    """A client of the API; Unreachable, with what was tried and what to do, if the API does not answer."""
    try:
        with Client(api.url, api.key) as client:
            yield client
    except ServiceUnreachable as error:
        advice = "check it, or start a local stack with `valence local up`"
        raise Unreachable(f"{error}. The address is from {api.origin}: {advice}") from error
