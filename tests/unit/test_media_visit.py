"""A child has parsed a stranger's file: its parent believes nothing that it says without checking."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from media.children import Child, ChildFault
from media.limits import MediaLimits, Rejected
from media.ranges import MemoryRanges
from media.visit import Visit
from media.wire import LONGEST_FRAME, RANGE, Tag, Task, Wire
from schemas.failures import RejectionCode
from schemas.media import MediaInfo


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours), theirs


def visit(ends: tuple[Wire, socket.socket], said: bytes) -> Visit:
    """A visit whose child has already said these bytes and then closed."""
    wire, child = ends
    child.sendall(said)
    child.shutdown(socket.SHUT_WR)
    return Visit(cast(Child, SimpleNamespace(wire=wire)), MemoryRanges(b"0123456789"), Task(size=10, limits=MediaLimits()), 5.0)


def frame(tag: int, data: bytes = b"") -> bytes:
    return struct.pack("<BI", tag, len(data)) + data


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x03",
        frame(99),
        frame(Tag.READY),
        frame(Tag.TASK),
        struct.pack("<BI", Tag.DONE, LONGEST_FRAME + 1),
        frame(Tag.READ, b"short"),
        frame(Tag.READ, RANGE.pack(0, 0)),
        frame(Tag.READ, RANGE.pack(5, 6)),
        frame(Tag.READ, RANGE.pack(2**63, 2**63)),
        frame(Tag.STOPPED),
    ],
)
def test_a_child_that_talks_nonsense_is_the_files_rejection_and_gets_no_other_file(ends: tuple[Wire, socket.socket], said: bytes) -> None:
    conversation = visit(ends, said)
    with pytest.raises(Rejected) as caught:
        conversation.next()
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA
    assert not conversation.healthy


@pytest.mark.parametrize("answer", [b"", b"{", b"null", b'{"container": 1}', b"\x80\x04."])
def test_an_answer_of_another_shape_is_the_files_rejection(ends: tuple[Wire, socket.socket], answer: bytes) -> None:
    conversation = visit(ends, frame(Tag.DONE, answer))
    _, data = conversation.next()
    with pytest.raises(Rejected) as caught:
        conversation.parsed(data, MediaInfo)
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA
    assert not conversation.healthy


def test_a_refusal_under_an_unknown_code_is_not_passed_on(ends: tuple[Wire, socket.socket]) -> None:
    with pytest.raises(Rejected) as caught:
        visit(ends, frame(Tag.REJECTED, b'{"code": "anything", "message": "x"}')).next()
    assert caught.value.code is RejectionCode.UNSAFE_MEDIA


def test_a_fault_of_ours_in_the_child_is_raised_with_its_traceback(ends: tuple[Wire, socket.socket]) -> None:
    with pytest.raises(ChildFault, match="NameError: probe"):
        visit(ends, frame(Tag.FAULT, b"Traceback ...\nNameError: probe")).next()


def test_a_range_inside_the_file_is_answered_with_its_bytes(ends: tuple[Wire, socket.socket]) -> None:
    conversation = visit(ends, frame(Tag.READ, RANGE.pack(3, 4)) + frame(Tag.DONE, b"{}"))
    assert conversation.next()[0] is Tag.DONE
    child = Wire(ends[1])
    assert child.receive(1.0)[0] is Tag.TASK
    assert child.receive(1.0) == (Tag.BYTES, bytearray(b"3456"))
