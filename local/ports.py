"""Loopback ports that belong to one stack for as long as it lives."""

import socket
import sys
from collections.abc import Mapping

from local.errors import PortTaken

HOST = "127.0.0.1"


class Ports:
    """Gives each name a free port, the one it had before where that is still free.

    On Linux a port is held by a bound socket that never listens: nobody else is given it while its server is down or being
    restarted, yet a server that sets SO_REUSEADDR (all of ours do) can listen on it. Elsewhere the port is only chosen.
    """

    def __init__(self, remembered: Mapping[str, int], fixed: Mapping[str, int]) -> None:
        self._remembered = remembered
        self._fixed = fixed
        self._held: list[socket.socket] = []
        self.numbers: dict[str, int] = {}

    def port(self, name: str) -> int:
        """The port of `name`, chosen at the first call.

        Raises PortTaken if the port was fixed by a setting and is in use.
        """
        if name not in self.numbers:
            self.numbers[name] = self._choose(name)
        return self.numbers[name]

    def close(self) -> None:
        """Let go of all ports."""
        for held in self._held:
            held.close()
        self._held.clear()

    def _choose(self, name: str) -> int:
        if name in self._fixed:
            if not self._take(self._fixed[name]):
                raise PortTaken(name, self._fixed[name])
            return self._fixed[name]
        if name in self._remembered and self._take(self._remembered[name]):
            return self._remembered[name]
        held = socket.socket()
        # Without SO_REUSEADDR, so that the kernel does not pick a port that another stack holds; shared only afterwards.
        held.bind((HOST, 0))
        port = int(held.getsockname()[1])
        self._hold(held)
        return port

    def _take(self, port: int) -> bool:
        held = socket.socket()
        # With SO_REUSEADDR: connections of the last run that are still in TIME_WAIT are no obstacle.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((HOST, port))
        except OSError:
            held.close()
            return False
        self._hold(held)
        return True

    def _hold(self, held: socket.socket) -> None:
        if sys.platform == "linux":
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.append(held)
        else:
            held.close()
