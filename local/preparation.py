"""What a local stack needs in its servers before our processes start: topics, bucket, queues, tables, and an account with a key.

Run as a program, it does that with the servers that the environment names, and prints the account's id and key as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from local.errors import StackFailed
from local.ports import HOST
from local.stack import Stack

#: The account of whoever runs the stack.
ACCOUNT = "local"
_LOOK_SECONDS = 0.2
#: What the process is told when it may begin.
_SERVERS_SERVE = "the servers serve\n"
_FOLDER = Path(__file__).parent.parent


def prepare(stack: Stack) -> None:
    """Make what is missing, and remember in stack.json the API's address, the account's id and its key, for the command line to find.

    In a process of its own, since boto3 reads the environment of the process, and a program may run several stacks. It loads what it needs
    while the servers start, which leave a core idle at first. Raises StackFailed.
    """
    known = ["--with-key"] if stack.recall("api_key") is None else []
    page = stack.address("api")
    with subprocess.Popen(
        [sys.executable, "-m", "local.preparation", page, page.replace(HOST, "localhost"), *known],
        env=stack.child_environment(),
        cwd=_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as making:
        stack.wait_for_servers()
        said, complaint = _finished(making, stack)
    if making.returncode != 0:
        raise StackFailed(f"topics, storage, tables or the local account could not be made:\n{complaint.strip()}")
    stack.remember(api_url=stack.address("api"), **json.loads(said))


def _finished(making: subprocess.Popen[str], stack: Stack) -> tuple[str, str]:
    """What it prints once told to begin; it is ended early where the stack stops, since it would wait long for servers that are gone."""
    word: str | None = _SERVERS_SERVE
    while True:
        try:
            return making.communicate(word, timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            word = None  # it is being sent already
            if stack.stopping:
                making.kill()


async def _make(origins: tuple[str, ...], with_key: bool) -> dict[str, str]:
    # Imported only here: the supervisor that calls `prepare` needs none of this.
    from api import accounts
    from runtime import database, provisioning, settings
    from schemas.accounts import UPLOADS, Scope

    configuration = settings.load()
    if sys.stdin.readline() != _SERVERS_SERVE:
        sys.exit("the stack was gone before its servers served")

    async def account() -> dict[str, str]:
        await database.migrate(configuration.database_url)
        db = database.Database(configuration.database_url, connections=1)
        try:
            if not with_key:
                return {}
            try:
                await accounts.create_account(db, ACCOUNT)
            except accounts.AccountExists:
                pass  # made by an earlier start that did not come far enough to remember it
            key = await accounts.create_key(db, ACCOUNT, (*UPLOADS, Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE))
            found = await db.rows("account_by_name", name=ACCOUNT)
            return {"account_id": str(found[0]["id"]), "api_key": key.text}
        finally:
            await db.close()

    made, *_ = await asyncio.gather(
        account(),
        asyncio.to_thread(provisioning.create_topics, configuration),
        asyncio.to_thread(provisioning.create_storage, configuration, origins),
    )
    return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_make(tuple(sys.argv[1:3]), "--with-key" in sys.argv[3:]))))
