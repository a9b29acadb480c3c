"""The only place that opens media: what FFmpeg may read, what it may be, and what the process that does so may use."""

from __future__ import annotations

import resource
from typing import NoReturn

import av
import av.container
import av.logging

from media.limits import MediaLimits, Rejected
from media.ranges import RangeFile, ReadsTooMuch
from schemas.failures import RejectionCode

#: Demuxers of files that people upload. None of them is a playlist, a manifest, an image sequence or a session description.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "flv", "ogg", "mp3", "wav", "flac", "asf",
    "aac", "aiff", "caf", "amr",
)  # fmt: skip
#: No protocol has this name, so FFmpeg can open none: what there is to read comes through our file object.
NO_PROTOCOL = "none-at-all"

#: What PyAV and FFmpeg raise on a broken or hostile file, each seen. Anything else is a fault of ours and is not caught.
BROKEN_FILE = (av.FFmpegError, ValueError, ArithmeticError, OSError, EOFError, RuntimeError, MemoryError)


class RefersElsewhere(Exception):
    """The file asks for another file or address to be opened."""


def options(limits: MediaLimits) -> dict[str, str]:
    """FFmpeg's options for opening a stranger's file. A misspelt one is ignored silently: tests show each to be in force."""
    return {
        "format_whitelist": ",".join(FORMATS),
        "protocol_whitelist": NO_PROTOCOL,
        "max_streams": str(limits.streams),
        "max_pixels": _max_pixels(limits),
    }


def open_guarded(source: RangeFile, limits: MediaLimits) -> av.container.InputContainer:
    """Open a file that a stranger sent, so that nothing but its own bytes is read; call it in a confined process only.

    FFmpeg's own timeout is not used: it does not interrupt parsing, and a slow source would trip it. The clock is the parent's.
    Raises what BROKEN_FILE lists, RefersElsewhere, and what the source raises.
    """
    if hasattr(source, "name"):
        raise TypeError(f"media source {source!r} has a name, which would choose the demuxer: wrap it in a RangeFile")
    container = av.open(source, mode="r", options=options(limits), metadata_errors="replace", io_open=_refuse)
    for stream in container.streams:
        if stream.type == "video" and stream.codec_context is not None:
            # The options above reach only the streams that were known before the first packets were read.
            stream.codec_context.options = {"max_pixels": _max_pixels(limits)}
            stream.codec_context.thread_count = 1
    return container


def confine(limits: MediaLimits) -> None:
    """Take from this process what opening media does not need: memory past the limit, and core dumps.

    Only the memory limit stops headers that inflate or that list fragments for ever: FFmpeg's options do not.
    """
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    av.logging.set_level(None)


def verdict(error: Exception, file: RangeFile, *, known: bool) -> Exception:
    """What to raise for an error that came up while `file` was open: what its source raised, else why the file is refused.

    A source that failed is not the file's fault, whatever FFmpeg made of the bytes that it did get. `known`: the first bytes are
    those of media, so a file that does not open is broken rather than something else.
    """
    if file.failure is not None:
        error = file.failure
        if not isinstance(error, ReadsTooMuch):
            return error
    if isinstance(error, Rejected):
        return error
    if isinstance(error, RefersElsewhere):
        return Rejected(RejectionCode.UNSAFE_MEDIA, f"{error}; upload a file that holds its own pictures and sound")
    if isinstance(error, ReadsTooMuch):
        return Rejected(RejectionCode.UNSAFE_MEDIA, f"{error}; export it again from an editor and upload that")
    if isinstance(error, MemoryError):
        return Rejected(
            RejectionCode.UNSAFE_MEDIA,
            "the file needs too much memory or has too many tracks; export it again from an editor and upload that",
        )
    if known:
        return Rejected(RejectionCode.UNDECODABLE, f"the file is broken or cut off ({reason(error)}); upload a complete one")
    return Rejected(
        RejectionCode.NOT_MEDIA, f"the file is no video or sound that we can read ({reason(error)}); upload MP4, MOV, WebM or similar"
    )


def reason(error: Exception) -> str:
    """FFmpeg's words for an error, without what the file may have put into them."""
    return (error.strerror or type(error).__name__) if isinstance(error, av.FFmpegError) else type(error).__name__


def _max_pixels(limits: MediaLimits) -> str:
    # Decoders round both sides up before they compare; what is decoded is compared exactly in media.tracks.
    return str((limits.width + 64) * (limits.height + 64))


def _refuse(url: str, flags: int, options: object) -> NoReturn:
    raise RefersElsewhere("the file refers to another file or address")
