"""Each thing that the guard sets is in force: FFmpeg ignores a misspelt option without a word."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import av
import pytest

from media.guard import FORMATS, RefersElsewhere, open_guarded, options
from media.limits import MediaLimits
from media.ranges import MemoryRanges, RangeFile
from tests import media_samples
from tests.media_samples import clip

LIMITS = MediaLimits()


def opened_with(option: str, value: str, data: bytes) -> int:
    """Open with one of the guard's options alone, and say how many tracks there are."""
    with av.open(RangeFile(MemoryRanges(data)), mode="r", options={option: value}) as container:
        return len(container.streams)


def test_the_format_whitelist_alone_stops_a_format_that_is_not_on_it() -> None:
    whitelist = options(LIMITS)["format_whitelist"]
    nut = clip("nut", video="mpeg4", audio=None)
    with av.open(RangeFile(MemoryRanges(nut)), mode="r") as container:
        assert container.format.name == "nut"
    with pytest.raises(av.FFmpegError):
        opened_with("format_whitelist", whitelist, nut)
    assert opened_with("format_whitelist", whitelist, clip()) == 2


def test_every_format_on_the_whitelist_exists_under_that_name() -> None:
    assert {name.split(",")[0] for name in FORMATS} <= av.formats_available


def test_the_protocol_whitelist_alone_stops_even_a_file_from_being_opened(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip())
    with av.open(str(path), mode="r") as container:
        assert len(container.streams) == 2
    with pytest.raises(av.FFmpegError):
        av.open(str(path), mode="r", options={"protocol_whitelist": options(LIMITS)["protocol_whitelist"]})


def test_the_limit_of_tracks_alone_stops_a_file_with_more() -> None:
    two_tracks = clip()
    assert opened_with("max_streams", options(MediaLimits(streams=2))["max_streams"], two_tracks) == 2
    with pytest.raises(av.FFmpegError):
        opened_with("max_streams", options(MediaLimits(streams=1))["max_streams"], two_tracks)


@pytest.mark.parametrize("container", ["mp4", "mpegts"])
def test_the_limit_of_pixels_stops_the_decoder_whatever_the_container(container: str) -> None:
    data = clip(container, audio=None, size=(320, 240))

    def pictures(limits: MediaLimits) -> int:
        with open_guarded(RangeFile(MemoryRanges(data)), limits) as opened:
            return sum(1 for _ in opened.decode(video=0))

    assert pictures(MediaLimits(width=320, height=240)) == 50
    with pytest.raises(av.FFmpegError):
        pictures(MediaLimits(width=64, height=48))


@pytest.mark.parametrize(
    "trick", [media_samples.PLAYLIST, media_samples.FFCONCAT, media_samples.SESSION, media_samples.MANIFEST, b"/etc/%03d.png\n"]
)
def test_a_file_that_names_other_files_opens_nothing(trick: bytes) -> None:
    with pytest.raises((av.FFmpegError, RefersElsewhere)):
        open_guarded(RangeFile(MemoryRanges(trick)), LIMITS)


def test_a_request_for_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # With the whitelists out of the way and the demuxer forced, so that only the refusal is left to stop a playlist.
    monkeypatch.setattr("media.guard.options", lambda limits: {"allowed_extensions": "ALL", "extension_picky": "0"})
    monkeypatch.setattr("media.guard.av.open", functools.partial(av.open, format="hls"))
    with pytest.raises(RefersElsewhere):
        open_guarded(RangeFile(MemoryRanges(media_samples.PLAYLIST)), LIMITS)


def test_a_source_with_a_name_is_refused_because_names_choose_demuxers(tmp_path: Path) -> None:
    source = RangeFile(MemoryRanges(clip()))
    source.name = "clip.%03d.png"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="has a name"):
        open_guarded(source, LIMITS)


def test_metadata_that_is_no_utf8_does_not_stop_a_file() -> None:
    with open_guarded(RangeFile(MemoryRanges(clip("mp4").replace(b"Lavf", b"\xff\xfe\xfd\xfc"))), LIMITS) as container:
        assert len(container.streams) == 2


def test_a_confined_process_cannot_take_more_memory_than_the_limit_and_leaves_no_core() -> None:
    script = (
        "import resource\n"
        "from media.guard import confine\nfrom media.limits import MediaLimits\n"
        "confine(MediaLimits(memory_bytes=1024**3))\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "try:\n    bytearray(1100 * 1024**2)\nexcept MemoryError:\n    print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
