"""The four servers of the local stack, and what they have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from local.child import Child
from local.kafka import Kafka
from local.ports import Ports
from local.postgres import Postgres
from local.queue import Queue
from local.storage import Storage

#: Every server, by the name it has in messages, logs and `valence local kill NAME`.
SERVERS = (Kafka.name, Postgres.name, Storage.name, Queue.name)


class Server(Protocol):
    """A server of the stack: where programs find it, and how it is run."""

    name: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which programs find it."""
        ...

    def prepare(self, environment: Mapping[str, str]) -> Child:
        """Write its settings and data the first time, and describe its process. Blocks."""
        ...


def make_servers(names: Sequence[str], folder: Path, ports: Ports, bucket: str, password: str) -> list[Server]:
    """The servers of these names, each with a folder of its own under `folder` and ports from `ports`."""
    makers: dict[str, Callable[[Path], Server]] = {
        Kafka.name: lambda own: Kafka(own, ports),
        Postgres.name: lambda own: Postgres(own, ports, password),
        Storage.name: lambda own: Storage(own, ports, bucket),
        Queue.name: lambda own: Queue(own, ports),
    }
    return [makers[name](folder / name) for name in names]
