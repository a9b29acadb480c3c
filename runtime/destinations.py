"""Where messages of ours may go that a stranger has named the address of: to the public internet, and nowhere inside.

A name is resolved once, every address that it has is checked, and the connection is made to the very address that was checked, so that a
name which says something else a moment later leads nowhere else. Source: the IANA special-purpose address registries, RFC 6890.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

import httpx

from runtime.errors import ValenceError

Address = IPv4Address | IPv6Address
#: The addresses of a name; OSError where it has none.
Resolve = Callable[[str], Awaitable[list[str]]]

#: Nobody's on the internet, or more than one machine's, or by which a cloud's machines talk to their cloud.
_INSIDE = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's translation, and one cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public address, and yet Azure's own to every machine of Azure
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo, benchmarks and other protocols, some of which hold an IPv4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4 holds an IPv4 address
        "3fff::/20",
    )
)
#: Of IPv6 only this is the internet's: not loopback, mapped or translated IPv4 (::ffff:0:0/96, 64:ff9b::/96), unique local, link-local.
_GLOBAL_UNICAST = ip_network("2000::/3")
_HTTPS_PORT = 443
#: Ports below belong to other protocols.
_FIRST_FREE_PORT = 1_024
#: Names that are resolved at the same time: a name server that never answers holds one thread for some seconds.
_RESOLVING = 64


class RefusedDestination(ValenceError):
    """No message may go to this address; the message says why, and nothing of what lies inside."""


class Destination(NamedTuple):
    """An address that is fit for messages in its form: the URL, with the name and the port that it stands for."""

    url: httpx.URL
    host: str
    port: int


def is_public(address: Address) -> bool:
    """Whether an address is one machine's on the public internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _INSIDE if network.version == address.version)


def parse(text: str, *, allow_loopback: bool) -> Destination:
    """The destination that a URL names, if its form is fit; RefusedDestination otherwise. Plain http is for loopback, where allowed."""
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise RefusedDestination("it is no URL") from error
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in text):
        raise RefusedDestination("it holds spaces or control characters")
    if url.scheme != "https" and not (url.scheme == "http" and allow_loopback):
        raise RefusedDestination("it does not begin with https://")
    if not host:
        raise RefusedDestination("it names no host")
    if url.userinfo or "@" in url.netloc.decode("ascii"):
        raise RefusedDestination("it holds a user name or a password, which belong in no address")
    if url.fragment or text.endswith("#"):
        raise RefusedDestination("it has a fragment, which is sent to nobody")
    port = url.port if url.port is not None else _HTTPS_PORT if url.scheme == "https" else 80
    if port != _HTTPS_PORT and not (_FIRST_FREE_PORT <= port <= 65_535):
        raise RefusedDestination(f"its port is {port}: expected {_HTTPS_PORT}, or {_FIRST_FREE_PORT} and above")
    return Destination(url, host.strip("[]"), port)


class Destinations:
    """Says whether messages may go to a URL, and to which addresses. `resolve` asks the system's resolver unless a test says otherwise."""

    def __init__(self, *, allow_loopback: bool = False, resolve: Resolve | None = None) -> None:
        self._allow_loopback = allow_loopback
        self._resolve = resolve or _SystemResolver()

    async def check(self, text: str) -> tuple[Destination, list[Address]]:
        """A destination and the addresses of its name, all of which were checked; RefusedDestination where one of them may not be met."""
        destination = parse(text, allow_loopback=self._allow_loopback)
        try:
            addresses = [ip_address(found) for found in await self._resolve(destination.host)]
        except (OSError, ValueError):
            addresses = []
        # One answer for a name that is unknown and for one that leads inside: nobody learns from it which names there are inside.
        if not addresses or not all(self._may_be_met(destination, address) for address in addresses):
            raise RefusedDestination("its name does not lead to a public address")
        return destination, addresses

    def _may_be_met(self, destination: Destination, address: Address) -> bool:
        if self._allow_loopback and address.is_loopback:
            return True
        return destination.url.scheme == "https" and is_public(address)


class _SystemResolver:
    """Asks in threads of its own: the event loop's are few, and who names a host may also run its name server."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(_RESOLVING, thread_name_prefix="resolver")

    async def __call__(self, host: str) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))
