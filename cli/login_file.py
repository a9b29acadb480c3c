"""The login file: which API `valence login` has signed in to, and the key that it was given, readable by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from cli.exits import Misused


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """An address and a key for it; `made_here` where signing in has made the key, so that signing out revokes it."""

    api_url: str
    api_key: str
    made_here: bool


def path() -> Path:
    """Where the file lies: in `valence/` of XDG_CONFIG_HOME, else of `~/.config`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "valence" / "login.json"


def read() -> Login | None:
    """Who is signed in; None where nobody is."""
    try:
        return msgspec.json.decode(path().read_bytes(), type=Login)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Misused(f"{path()} is not what `valence login` writes ({error}): delete it, and sign in again") from error


def write(login: Login) -> None:
    """Replace the file in one step; nobody else can read it at any moment."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(msgspec.json.encode(login))
    temporary.replace(file)


def remove() -> None:
    """Forget who is signed in."""
    path().unlink(missing_ok=True)
