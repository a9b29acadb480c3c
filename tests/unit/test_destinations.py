"""Messages go to the public internet and nowhere inside, whatever a name says."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from runtime.destinations import Destinations, RefusedDestination, is_public

# fmt: off
INSIDE = (
    "0.0.0.0",  # noqa: S104  # nothing is bound to it
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "168.63.129.16", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1", "2002:7f00:1::", "3fff::1", "100::1",
)
OUTSIDE = (
    "1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.0.1.1", "2606:4700:4700::1111",
    "2a00:1450::1",
)
# fmt: on


def names(**known: list[str]) -> Destinations:
    """Destinations by a resolver that knows these names under `.example`."""

    async def resolve(host: str) -> list[str]:
        if host.removesuffix(".example") not in known:
            raise OSError("no such name")
        return known[host.removesuffix(".example")]

    return Destinations(resolve=resolve)


@pytest.mark.parametrize("address", INSIDE)
async def test_what_lies_inside_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(RefusedDestination):
        await names(inside=[address]).check("https://inside.example/")


@pytest.mark.parametrize("address", OUTSIDE)
async def test_what_is_on_the_internet_is_not(address: str) -> None:
    destination, addresses = await names(outside=[address]).check("https://outside.example:8443/hook?a=b")
    assert (destination.host, destination.port, addresses) == ("outside.example", 8443, [ip_address(address)])


async def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(RefusedDestination):
        await names(both=["1.1.1.1", "10.0.0.1"]).check("https://both.example/")


async def test_a_name_that_is_unknown_and_one_that_leads_inside_are_answered_alike() -> None:
    said = set()
    for name in ("inside", "unknown"):
        with pytest.raises(RefusedDestination) as caught:
            await names(inside=["10.0.0.1"]).check(f"https://{name}.example/")
        said.add(str(caught.value))
    assert len(said) == 1
    assert "10.0.0.1" not in said.pop()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://outside.example/", "https://"),
        ("ftp://outside.example/", "https://"),
        ("//outside.example/", "https://"),
        ("outside.example", "https://"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://user:word@outside.example/", "user name"),
        ("https://inside.example\\@outside.example/", "user name"),
        ("https://outside.example/#part", "fragment"),
        ("https://outside.example/#", "fragment"),
        ("https://outside.example:22/", "port is 22"),
        ("https://outside.example:0/", "port is 0"),
        ("https://outside.example:99999/", "port is 99999"),
        ("https://outside.example:port/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://outside.example/a b", "spaces"),
        ("https://outside.example/\r\nX: y", "no URL"),
    ],
)
async def test_a_url_of_another_form_is_refused(url: str, why: str) -> None:
    with pytest.raises(RefusedDestination, match=why):
        await names(outside=["1.1.1.1"]).check(url)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "a..b"])
async def test_however_loopback_is_written_it_is_refused(host: str) -> None:
    with pytest.raises(RefusedDestination):
        await Destinations().check(f"https://{host}:8443/")


async def test_loopback_and_plain_http_to_it_are_for_whoever_allows_them() -> None:
    allowing = Destinations(allow_loopback=True)
    for url in ("http://127.0.0.1:8080/", "https://127.0.0.1:8080/"):
        await allowing.check(url)
        with pytest.raises(RefusedDestination):
            await Destinations().check(url)
    for url in ("http://1.1.1.1:8080/", "http://10.0.0.1:8080/", "https://10.0.0.1:8080/", "https://169.254.169.254/"):
        with pytest.raises(RefusedDestination):
            await allowing.check(url)
