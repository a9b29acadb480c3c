"""The whole system as one thing: servers, what must exist in them, then the processes of ours."""

import asyncio
import os
import secrets
import signal
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.child import Child
from local.control import serve_control
from local.data_folder import cache_folder, default_data_folder, held, read_stack_file, write_stack_file
from local.errors import StackFailed
from local.platforms import require_servers
from local.ports import HOST, Ports
from local.processes import LOCAL_DEFAULTS, PROCESSES, SAGEMAKER, OurProcess, children
from local.servers import SERVERS, Server, make_servers
from local.supervisor import Supervisor
from runtime.settings import Inference, Notices, Storage

_ACCESS_KEY = "valence-local"
_REGION = "us-east-1"
_LOOK_SECONDS = 0.1


class Stack:
    """All servers and processes on one data folder.

    As `async with` it is up inside and gone after; `run_until_stopped` also waits for Ctrl-C. `prepare` makes topics, tables, buckets and
    an account: it is called with this stack, in a thread, while the servers start, and calls `wait_for_servers` when it needs them; our
    processes that need what it makes start when it has returned. `settings` are further variables for our processes, `ports` fixes ports
    by name ("api", "kafka", ...), `workers` is how many of each stage. Raises LocalStackError.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        processes: Sequence[OurProcess] = PROCESSES,
        servers: Sequence[str] = SERVERS,
        prepare: Callable[["Stack"], None] = lambda stack: None,
        settings: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        workers: int = 1,
        report: Callable[[str], None] = print,
    ) -> None:
        self.data = (data or default_data_folder()).resolve()
        self._processes = processes
        self._server_names = servers
        self._prepare = prepare
        self._settings = dict(settings or {})
        self._fixed_ports = dict(ports or {})
        self._workers = workers
        self._report = report
        self._exit = AsyncExitStack()
        self._stop = asyncio.Event()
        self._serving = threading.Event()
        self._ending = threading.Event()
        self._remembered: dict[str, Any] = {}
        self._servers: list[Server] = []
        self.supervisor: Supervisor

    async def __aenter__(self) -> Self:
        require_servers()
        async with AsyncExitStack() as opened:
            opened.enter_context(held(self.data))
            self._remembered = read_stack_file(self.data)
            await self._start(opened)
            self._exit = opened.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._exit.aclose()

    async def run_until_stopped(self) -> None:
        """Bring everything up, stay until Ctrl-C, SIGTERM or SIGHUP, and take everything down.

        Raises StackFailed, after taking everything down, if something cannot be brought up or keeps dying.
        """
        loop = asyncio.get_running_loop()
        whole = asyncio.create_task(self._run())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # started by nohup, it is to outlive the terminal
                loop.add_signal_handler(number, self._stop.set)
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({whole, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not whole.done():
            self._report("stopping")
            whole.cancel()
        stopping.cancel()
        try:
            await whole
        except asyncio.CancelledError:
            self._report("stopped; the data stays in " + str(self.data))

    def environment(self) -> dict[str, str]:
        """The standard variables by which any program finds this stack's servers."""
        found = {
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": self._remembered["secrets"]["aws"],
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://{HOST}:{self._remembered['ports'][SAGEMAKER]}",
            "VALENCE_NOTICES_QUEUE_NAME": Notices().queue_name,
            "VALENCE_INFERENCE_ENDPOINT_NAME": Inference().endpoint_name,
        }
        for server in self._servers:
            found |= server.variables
        return found

    def child_environment(self) -> dict[str, str]:
        """What this stack's processes are given: the user's environment, whose AWS settings and proxies give way to ours."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        if inherited.pop("PYTHONDONTWRITEBYTECODE", None):
            # Not beside the sources, as the user wishes, but somewhere: compiling everything anew doubles a process's start.
            inherited["PYTHONPYCACHEPREFIX"] = str(cache_folder() / "bytecode")
        around = f"{HOST},localhost"
        return {
            **LOCAL_DEFAULTS,
            **inherited,
            **self.environment(),
            "NO_PROXY": around,
            "no_proxy": around,
            "VALENCE_LOCAL_DATA_DIR": str(self.data),
            **self._settings,
        }

    @property
    def stopping(self) -> bool:
        """Whether the stack stops, because it was told to or because something failed: for a `prepare` that takes long."""
        return self._stop.is_set() or self._ending.is_set()

    def wait_for_servers(self) -> None:
        """Block until all servers serve. Raises StackFailed where the stack stops before."""
        while not self._serving.wait(_LOOK_SECONDS):
            if self.stopping:
                raise StackFailed("the stack stops before its servers serve")

    def address(self, process: str) -> str:
        """The http address of one of our processes, "api" for instance."""
        return f"http://{HOST}:{self._remembered['ports'][process]}"

    def remember(self, **facts: str) -> None:
        """Write facts into stack.json, a local key for instance, for the command line to find and for the next start."""
        self._remembered |= facts
        write_stack_file(self.data, self._remembered)

    def recall(self, fact: str) -> str | None:
        """A fact that this stack or an earlier one on the same data remembered."""
        found = self._remembered.get(fact)
        return None if found is None else str(found)

    async def _run(self) -> None:
        async with self:
            self._report(f"the stack is up; its data is in {self.data}")
            await self.supervisor.until_failed()

    async def _start(self, opened: AsyncExitStack) -> None:
        ports = Ports(self._remembered.get("ports", {}), self._fixed_ports)
        opened.callback(ports.close)
        known = self._remembered.setdefault("secrets", {})
        for name in ("postgres", "aws", "control"):
            known.setdefault(name, secrets.token_hex(20))
        self._servers = make_servers(self._server_names, self.data, ports, Storage().bucket, known["postgres"])
        control_port = ports.port("control")
        ports.port(SAGEMAKER)
        self._remembered["ports"] = ports.numbers
        environment = self.child_environment()
        early, late = (
            [child for row in rows for child in children(row, self._workers, environment, self.data, ports)]
            for rows in ([row for row in self._processes if row.early], [row for row in self._processes if not row.early])
        )
        self._remembered |= {"pid": os.getpid(), "environment": self.environment()}
        write_stack_file(self.data, self._remembered)

        self.supervisor = await opened.enter_async_context(Supervisor(self.data / "logs", self._report))
        control = await serve_control(self.supervisor, control_port, known["control"])
        opened.callback(control.close)
        opened.callback(self._ending.set)  # `prepare` runs in a thread, which cannot be cancelled: it looks at `stopping`
        await _side_by_side(self._start_servers(environment, early), self._start_prepared(late))

    async def _start_servers(self, environment: Mapping[str, str], then: Sequence[Child]) -> None:
        """Start each server as soon as its own data is there, the slowest alone decides how long it takes; then those of our processes."""
        await _side_by_side(*(self._start_server(server, environment) for server in self._servers))
        self._serving.set()
        await self.supervisor.start(then)

    async def _start_prepared(self, ours: Sequence[Child]) -> None:
        """Start those of our processes that need what `prepare` makes, when it has made it."""
        await asyncio.to_thread(self._prepare, self)
        await self.supervisor.start(ours)

    async def _start_server(self, server: Server, environment: Mapping[str, str]) -> None:
        child = await asyncio.to_thread(server.prepare, environment)
        await self.supervisor.start([child])


async def _side_by_side(*steps: Coroutine[Any, Any, None]) -> None:
    """Do all of it at once; if one fails, nothing may be started any more: the stack is being taken down."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
