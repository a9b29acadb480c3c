"""The way other processes talk to a running stack: one line of JSON each way over loopback, with the stack's own token.

A request is `{"token", "do": "status" | "kill" | "restart" | "wait", "name"?, "signal"?}`, an answer `{"children": [...]}` or `{"error"}`.
"""

import asyncio
import hmac
import json
import signal
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.child import ChildStatus
from local.data_folder import read_stack_file
from local.errors import LocalStackError, SignalUnknown, StackNotRunning
from local.ports import HOST
from local.supervisor import Supervisor

#: Waiting for a child to serve again takes longest.
_ANSWER_TIMEOUT = 120.0


async def serve_control(supervisor: Supervisor, port: int, token: str) -> asyncio.Server:
    """Answer requests until the server that is returned is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            if hmac.compare_digest(str(request["token"]), token):
                result = await _perform(supervisor, request)
            else:
                result = {"error": "the token is not this stack's"}
            writer.write(json.dumps(result).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    return await asyncio.start_server(answer, HOST, port)


async def _perform(supervisor: Supervisor, request: dict[str, Any]) -> dict[str, Any]:
    try:
        match request["do"]:
            case "kill":
                supervisor.kill(request["name"], _signal_named(request["signal"]))
            case "restart":
                await supervisor.restart(request["name"])
            case "wait":
                await supervisor.until_ready()
            case "status":
                pass
            case other:
                return {"error": f"this stack does not know how to {other!r}"}
    except LocalStackError as error:
        return {"error": str(error)}
    return {"children": [asdict(status) for status in supervisor.status()]}


def _signal_named(name: str) -> signal.Signals:
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise SignalUnknown(name) from None


class Control:
    """Talks to the stack that runs on a data folder.

    Every method raises StackNotRunning if none does, and LocalStackError with the stack's own words if it refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def status(self) -> list[ChildStatus]:
        """How every child of the stack fares."""
        return self._ask(do="status")

    def kill(self, name: str, signal_name: str = "SIGKILL") -> list[ChildStatus]:
        """Send a signal to a child, or to every replica of a stage; the stack starts it again."""
        return self._ask(do="kill", name=name, signal=signal_name)

    def restart(self, name: str) -> list[ChildStatus]:
        """Stop a child with the grace it needs, and return when it serves again."""
        return self._ask(do="restart", name=name)

    def wait(self) -> list[ChildStatus]:
        """Return when every child serves."""
        return self._ask(do="wait")

    def _ask(self, **request: str) -> list[ChildStatus]:
        known = read_stack_file(self._folder)
        if not known:
            raise StackNotRunning(self._folder)
        try:
            with socket.create_connection((HOST, known["ports"]["control"]), _ANSWER_TIMEOUT) as connection:
                connection.sendall(json.dumps({"token": known["secrets"]["control"], **request}).encode() + b"\n")
                line = connection.makefile().readline()
        except ConnectionError:
            raise StackNotRunning(self._folder) from None
        answer = json.loads(line)
        if "error" in answer:
            raise LocalStackError(answer["error"])
        return [ChildStatus(**child) for child in answer["children"]]
