"""What is accepted, what is refused, and for which reason."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest
from av.container import OutputContainer
from av.video.stream import VideoStream

from media.limits import MediaLimits, Rejected
from media.probe import probe
from media.ranges import MemoryRanges
from schemas.failures import RejectionCode
from schemas.media import AudioInfo, MediaInfo, VideoInfo
from tests import media_samples
from tests.media_samples import box, clip, picture, raw_sound, song_with_cover

LIMITS = MediaLimits()


def looked(data: bytes, limits: MediaLimits = LIMITS) -> MediaInfo:
    return probe(MemoryRanges(data), limits)


def refusal(data: bytes, limits: MediaLimits = LIMITS) -> RejectionCode:
    with pytest.raises(Rejected) as caught:
        looked(data, limits)
    assert caught.value.message
    return caught.value.code


def test_an_mp4_is_described_by_what_decodes() -> None:
    data = clip()
    assert looked(data) == MediaInfo(
        container="mp4",
        bytes=len(data),
        duration_seconds=2.0,
        video=VideoInfo(codec="h264", width=64, height=48, frame_rate=25.0),
        audio=AudioInfo(codec="aac", sample_rate=48_000, channels=1),
    )


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("mp4", "libx264", "aac"),
        ("mov", "libx264", "aac"),
        ("webm", "libvpx-vp9", "libopus"),
        ("matroska", "libx264", "flac"),
        ("avi", "mpeg4", "libmp3lame"),
        ("mpegts", "libx264", "aac"),
        ("mpeg", "mpeg1video", "mp2"),
        ("flv", "libx264", "aac"),
        ("asf", "mpeg4", "libmp3lame"),
        ("ogg", None, "libopus"),
        ("mp3", None, "libmp3lame"),
        ("wav", None, "pcm_s16le"),
        ("flac", None, "flac"),
        ("adts", None, "aac"),
        ("caf", None, "pcm_s16le"),
        ("aiff", None, "pcm_s16be"),
    ],
)
def test_every_usual_kind_of_file_is_accepted(container: str, video: str | None, audio: str) -> None:
    info = looked(clip(container, video=video, audio=audio))
    assert (info.video is not None) == (video is not None)
    assert info.audio is not None


@pytest.mark.parametrize("flags", ["faststart", "frag_keyframe+empty_moov", "empty_moov+default_base_moof+frag_keyframe"])
def test_an_mp4_is_accepted_wherever_its_index_is(flags: str) -> None:
    assert looked(clip(options={"movflags": flags})).video is not None


def test_a_file_without_sound_is_accepted_and_says_so() -> None:
    assert looked(clip(audio=None)).audio is None


def test_sound_alone_is_accepted() -> None:
    assert looked(clip(video=None)).video is None


def test_a_cover_is_no_video() -> None:
    info = looked(song_with_cover(clip("mp3", video=None, audio="libmp3lame"), picture()))
    assert info.video is None
    assert info.audio is not None


def test_a_rotated_video_is_accepted() -> None:
    def rotate(output: OutputContainer) -> None:
        stream = output.streams[0]
        assert isinstance(stream, VideoStream)
        stream.set_display_rotation(90)

    assert looked(clip(prepare=rotate)).video is not None


def test_a_text_caption_track_is_told() -> None:
    assert looked(clip(captions=((0.0, 1.0, b"hello"),))).has_captions
    assert not looked(clip()).has_captions


def test_an_empty_object_is_refused_as_empty() -> None:
    assert refusal(b"") is RejectionCode.OBJECT_EMPTY


def test_a_web_form_is_refused_as_form_data_whether_or_not_a_video_is_inside() -> None:
    assert refusal(media_samples.FORM) is RejectionCode.FORM_DATA
    assert refusal(media_samples.FORM.replace(b"[object File]", clip())) is RejectionCode.FORM_DATA


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n" * 50,
        bytes(100_000),
        bytes(np.random.default_rng(1).integers(0, 256, 100_000, np.uint8)),
        picture(),
        picture(codec="mjpeg"),
        media_samples.PLAYLIST,
        media_samples.FFCONCAT,
        media_samples.SESSION,
        media_samples.MANIFEST,
        media_samples.SUBTITLES,
        b"<html><script>alert(1)</script></html>" * 20,
        b"x",
    ],
    ids=["text", "zeros", "noise", "PNG", "JPEG", "playlist", "ffconcat", "SDP", "DASH", "subtitles", "HTML", "a byte"],
)
def test_what_is_no_media_is_refused_as_not_media(data: bytes) -> None:
    assert refusal(data) is RejectionCode.NOT_MEDIA


def test_a_file_cut_off_before_its_index_is_undecodable() -> None:
    data = clip()
    assert refusal(data[: len(data) // 2]) is RejectionCode.UNDECODABLE


def test_a_file_cut_off_after_its_first_pictures_is_accepted() -> None:
    data = clip(options={"movflags": "faststart"})
    assert looked(data[: len(data) * 2 // 3]).video is not None


def test_a_file_whose_pictures_are_noise_is_undecodable() -> None:
    data = clip(audio=None, options={"movflags": "faststart"})
    start = data.find(b"mdat") + 4
    noise = np.random.default_rng(2).integers(0, 256, len(data) - start, np.uint8).tobytes()
    assert refusal(data[:start] + noise) is RejectionCode.UNDECODABLE


def test_a_container_without_tracks_has_no_streams() -> None:
    assert refusal(box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", box(b"mvhd", bytes(100)))) is RejectionCode.NO_STREAMS


def test_a_quicktime_reference_opens_nothing_and_is_refused() -> None:
    reference = box(b"rdrf", b"\0\0\0\0url \0\0\0\x14file:///etc/passwd\0")
    data = box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", reference)))
    assert refusal(data) is RejectionCode.NO_STREAMS


def test_a_file_of_captions_alone_has_no_streams() -> None:
    assert refusal(clip("matroska", video=None, audio=None, captions=((0.0, 1.0, b"hello"),))) is RejectionCode.NO_STREAMS


def test_a_file_above_the_size_limit_is_too_large_before_it_is_read() -> None:
    class Huge:
        size = 101

        def read_range(self, offset: int, length: int) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(Rejected) as caught:
        probe(Huge(), MediaLimits(bytes=100))
    assert caught.value.code is RejectionCode.TOO_LARGE


@pytest.mark.parametrize(
    ("size", "accepted"), [((128, 96), True), ((96, 128), True), ((130, 96), False), ((128, 98), False), ((98, 130), False)]
)
def test_the_picture_may_be_as_large_as_the_limit_either_way_up(size: tuple[int, int], accepted: bool) -> None:
    limits, data = MediaLimits(width=128, height=96), clip(audio=None, size=size)
    if accepted:
        assert looked(data, limits).video is not None
    else:
        assert refusal(data, limits) is RejectionCode.TOO_MANY_PIXELS


def test_more_tracks_than_allowed_are_refused() -> None:
    assert refusal(clip(), MediaLimits(streams=1)) is RejectionCode.UNSAFE_MEDIA


@pytest.mark.parametrize("rate", [1, 3_999, 384_001, 4_000_000])
def test_sound_at_a_rate_that_is_no_speech_is_refused(rate: int) -> None:
    assert refusal(raw_sound(np.zeros(20_000, np.float32), rate)) is RejectionCode.UNSUPPORTED_SOUND


def test_sound_that_goes_on_after_the_limit_is_too_long() -> None:
    data = clip(seconds=12, video=None)
    assert refusal(data, MediaLimits(sound_seconds=5)) is RejectionCode.TOO_LONG
    assert looked(data, MediaLimits(sound_seconds=13)).audio is not None


def test_a_header_that_claims_hours_does_not_make_a_short_file_too_long() -> None:
    data = clip("matroska")
    at = data.index(b"\x44\x89\x88") + 3
    lying = data[:at] + struct.pack(">d", 36_000_000.0) + data[at + 8 :]
    info = looked(lying)
    assert info.duration_seconds == 36_000.0
    assert info.audio is not None


class FailsAt:
    """A file whose source fails at one request and works again after it."""

    def __init__(self, data: bytes, request: int) -> None:
        self.size = len(data)
        self.asked = 0
        self._data = data
        self._request = request

    def read_range(self, offset: int, length: int) -> bytes:
        self.asked += 1
        if self.asked == self._request:
            raise ConnectionError("S3 is away")
        return self._data[offset : offset + length]


@pytest.mark.parametrize("container", ["mp4", "mpegts"])
def test_what_the_source_raises_comes_through_whichever_request_it_was(container: str) -> None:
    data = clip(container, video="mpeg4", audio="libmp3lame", seconds=100, size=(16, 16))
    good = FailsAt(data, 0)
    probe(good, LIMITS)
    for request in range(1, good.asked + 1):
        with pytest.raises(ConnectionError):
            probe(FailsAt(data, request), LIMITS)
    assert good.asked >= 2


def test_the_tracks_of_a_large_file_are_found_with_few_small_reads() -> None:
    data = clip(options={"movflags": "faststart"})
    padding = 300 * 1024**2

    class Padded:
        size = len(data) + 8 + padding
        fetched = 0
        requests = 0

        def read_range(self, offset: int, length: int) -> bytes:
            self.requests += 1
            self.fetched += length
            tail = data + struct.pack(">I", 8 + padding) + b"free"
            piece = tail[offset : offset + length]
            return piece + bytes(length - len(piece))

    source = Padded()
    assert probe(source, LIMITS).video is not None
    assert source.requests <= 4
    assert source.fetched < 4 * 1024**2


def test_a_still_image_in_a_video_container_is_no_video() -> None:
    if "avif" not in av.formats_available:
        pytest.fail("PyAV without the avif muxer: find another way to make a still image in the ISO container")
    assert refusal(clip("avif", video="libsvtav1", audio=None, seconds=0.04, size=(64, 64))) is RejectionCode.NO_STREAMS
