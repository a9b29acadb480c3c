"""Who asks, as far as the connection tells: an address and what the browser calls itself. Never proof of anything."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from litestar.types import Scope

_MOST_CHARACTERS = 200
#: Whoever has one address of version 6 has the whole network of this size.
_NETWORK_BITS = 64


class Visitor(NamedTuple):
    """The address and the user agent of a request, the latter escaped and cut; None where there is none."""

    address: str | None
    user_agent: str | None

    @property
    def network(self) -> str:
        """What is counted as one guesser: an address of version 4, a network of 64 bits of version 6."""
        if self.address is None:
            return "unknown"
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address[:_MOST_CHARACTERS]
        if isinstance(found, ipaddress.IPv6Address):
            if found.ipv4_mapped is not None:
                return str(found.ipv4_mapped)
            return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
        return str(found)


#: The command line of the operator.
OPERATOR = Visitor(None, "the operator's command line")


def visitor(scope: Scope) -> Visitor:
    """Who has sent a request."""
    client = scope.get("client")
    agent = dict(scope["headers"]).get(b"user-agent")
    return Visitor(client[0] if client else None, plain(agent.decode("latin-1")) if agent else None)


def plain(text: str) -> str:
    """Text from outside as it may stand in a log or a list: one line of printable characters, cut."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)[:_MOST_CHARACTERS]
