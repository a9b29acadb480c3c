"""`valence login` and `valence logout`: a key of one's own in the login file, so that no command needs one."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import click
import httpx

from api.credentials import InvalidKey, parse
from cli import login_file
from cli.api import known_url
from cli.exits import Misused
from cli.login_file import Login
from cli.servers import data_option
from cli.wording import printable
from schemas.accounts import UPLOADS, Scope
from valence import ServiceUnreachable
from valence.errors import raise_for_problem

#: What the commands need.
_SCOPES = [*UPLOADS, Scope.ACCOUNT_READ]


@click.command()
@click.option("--api-url", envvar="VALENCE_API_URL", show_envvar=True, metavar="URL", help="The API; else that of the local stack.")
@click.option("--api-key", metavar="KEY", help="A key that you have: it is kept as it is.")
@click.option("--email", metavar="EMAIL", help="Your address; else it is asked for. The password is asked for, or read from a pipe.")
@data_option
def login(api_url: str | None, api_key: str | None, email: str | None, data: Path | None) -> None:
    """Sign in: commands then need no address and no key.

    With address and password a new key is made, which `valence logout` revokes; the password is kept nowhere.
    """
    url = known_url(api_url, data)
    if api_key is None:
        email = email or str(click.prompt("Address", err=True))
        api_key = _make_key(url, email, _password())
        made_here = True
    else:
        _check_key(url, api_key)
        made_here = False
    login_file.write(Login(api_url=url, api_key=api_key, made_here=made_here))
    click.echo(f"signed in to {printable(url)}; the key is in {login_file.path()}, which nobody else can read")


@click.command()
def logout() -> None:
    """Sign out: the key that signing in has made is revoked, and the login file is deleted."""
    known = login_file.read()
    if known is None:
        click.echo("nobody is signed in")
        return
    if known.made_here:
        with _client(known.api_url) as http:
            answer = _send(http, "DELETE", f"/v1/keys/{parse(known.api_key).id}", headers={"Authorization": f"Bearer {known.api_key}"})
            if answer.status_code != 401:  # it was revoked already
                raise_for_problem(answer)
    login_file.remove()
    click.echo(f"signed out of {printable(known.api_url)}")


def _make_key(url: str, email: str, password: str) -> str:
    with _client(url) as http:
        raise_for_problem(_send(http, "POST", "/v1/session", json={"email": email, "password": password}))
        try:
            wanted = {"name": f"valence login on {printable(platform.node() or 'a computer')[:60]}", "scopes": _SCOPES}
            made = _send(http, "POST", "/v1/keys", json=wanted)
            raise_for_problem(made)
        finally:  # also where no key may be made
            raise_for_problem(_send(http, "DELETE", "/v1/session"))
        return str(made.json()["key"])


def _check_key(url: str, key: str) -> None:
    try:
        parse(key)
    except InvalidKey as error:
        raise Misused(f"this is not an API key: {error}") from error
    with _client(url) as http:
        raise_for_problem(_send(http, "GET", "/v1/uploads?limit=1", headers={"Authorization": f"Bearer {key}"}))


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=30.0, headers={"Valence-Request": "1"})


def _send(http: httpx.Client, method: str, path: str, **request: object) -> httpx.Response:
    try:
        return http.request(method, path, **request)  # type: ignore[arg-type]  # handed on as it is
    except httpx.TransportError as error:
        raise ServiceUnreachable(str(http.base_url), error) from error


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")
