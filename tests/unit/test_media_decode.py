"""Sound on the video's clock, captions as plain text, and files that break halfway."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from media.captions import LONGEST_CUE, plain_text
from media.decode import decode
from media.decoded import Cue, Decoded
from media.limits import MediaLimits, Rejected
from media.ranges import MemoryRanges
from media.sound import BLOCK_SAMPLES
from schemas.failures import RejectionCode
from tests.media_samples import clip, raw_sound, surround, tone

LIMITS = MediaLimits()


def heard(data: bytes, limits: MediaLimits = LIMITS, *, captions: bool = False) -> tuple[list[NDArray[np.float32]], Decoded]:
    outcome: list[Decoded] = []

    def follow() -> Iterator[NDArray[np.float32]]:
        outcome.append((yield from decode(MemoryRanges(data), limits, captions=captions)))

    return list(follow()), outcome[0]


def loudness(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize(
    ("container", "video", "audio"), [("mp4", "libx264", "aac"), ("webm", "libvpx-vp9", "libopus"), ("flac", None, "flac")]
)
def test_sound_becomes_16_khz_mono_of_the_same_length_and_loudness(container: str, video: str | None, audio: str) -> None:
    blocks, decoded = heard(clip(container, video=video, audio=audio))
    sound = np.concatenate(blocks)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(32_000, abs=1_000)
    assert decoded.sound_seconds == pytest.approx(len(sound) / 16_000, abs=0.01)
    assert loudness(sound) == pytest.approx(0.25 / np.sqrt(2), rel=0.05)
    spectrum = np.abs(np.fft.rfft(sound[:16_000]))
    assert int(spectrum.argmax()) == 440
    assert decoded.gaps == ()


@pytest.mark.parametrize("layout", ["stereo", "5.1", "7.1"])
def test_loud_sound_in_every_channel_is_not_clipped_when_they_are_mixed(layout: str) -> None:
    loud = np.asarray(4 * tone(1, 16_000) * 0.95, np.float32)
    sound = np.concatenate(heard(surround(loud, layout))[0])
    assert np.abs(sound - loud).max() < 0.01


def test_sound_in_one_of_many_channels_is_heard() -> None:
    sound = np.concatenate(heard(surround(tone(1, 16_000), "7.1", channels=(2,)))[0])
    assert int(np.abs(np.fft.rfft(sound[:16_000])).argmax()) == 440
    assert loudness(sound) > 0.02


def test_blocks_are_five_seconds_and_the_last_is_what_is_left() -> None:
    blocks, _ = heard(raw_sound(tone(12, 16_000)))
    assert [len(block) for block in blocks] == [BLOCK_SAMPLES, BLOCK_SAMPLES, 2 * 16_000]


def test_sound_that_is_not_a_number_or_too_loud_becomes_usable() -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0, 0.5] * 1000, np.float32)
    sound = np.concatenate(heard(raw_sound(samples))[0])
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() == 1.0
    assert sound[5::6].tolist() == [0.5] * 1000


def test_sound_that_starts_late_is_preceded_by_silence_so_that_times_are_the_videos() -> None:
    blocks, decoded = heard(clip(sound_starts=1.0))
    sound = np.concatenate(blocks)
    assert loudness(sound[:15_000]) == 0.0
    assert loudness(sound[17_000:31_000]) > 0.1
    assert decoded.gaps[0].start == 0.0
    assert decoded.gaps[0].end == pytest.approx(1.0, abs=0.1)


def test_a_file_without_sound_gives_no_blocks_and_says_so() -> None:
    blocks, decoded = heard(clip(audio=None))
    assert blocks == []
    assert decoded == Decoded(has_sound=False, sound_seconds=0.0)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_file_that_was_cut_off_keeps_what_was_there_and_reports_the_rest(container: str) -> None:
    data = clip(container, seconds=10, options={"movflags": "faststart"} if container == "mp4" else {})
    blocks, decoded = heard(data[: len(data) // 2])
    assert 2 < sum(len(block) for block in blocks) / 16_000 < 8
    assert decoded.gaps[-1].start == pytest.approx(decoded.sound_seconds)
    assert decoded.gaps[-1].end is None


def test_noise_in_the_middle_costs_only_itself() -> None:
    data = bytearray(clip("mp3", video=None, audio="libmp3lame", seconds=10))
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(3).integers(0, 256, 3000, np.uint8).tobytes()
    blocks, _ = heard(bytes(data))
    sound = np.concatenate(blocks)
    assert loudness(sound[: 4 * 16_000]) == pytest.approx(0.177, abs=0.02)
    assert loudness(sound[7 * 16_000 : 9 * 16_000]) == pytest.approx(0.177, abs=0.02)


def test_a_file_with_too_many_errors_is_given_up_with_a_gap_to_the_end() -> None:
    data = bytearray(clip(video=None, seconds=20, options={"movflags": "faststart"}))
    start = data.find(b"mdat") + 4
    half = start + (len(data) - start) // 2
    data[half:] = b"\xff" * (len(data) - half)
    _, decoded = heard(bytes(data), MediaLimits(errors=5))
    assert decoded.has_sound
    assert "more than 5 errors" in decoded.gaps[-1].reason
    assert decoded.gaps[-1].end is None


def test_sound_beyond_the_limit_is_too_long_whatever_the_header_says() -> None:
    data = bytearray(clip("matroska", seconds=12))
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = b"\x40\x8f\x40\0\0\0\0\0"  # the header says 1 second
    with pytest.raises(Rejected) as caught:
        heard(bytes(data), MediaLimits(sound_seconds=5))
    assert caught.value.code is RejectionCode.TOO_LONG


def test_sound_exactly_at_the_limit_is_read() -> None:
    _, decoded = heard(raw_sound(tone(5, 16_000)), MediaLimits(sound_seconds=5))
    assert decoded.sound_seconds == pytest.approx(5)


def test_a_rate_of_one_hertz_does_not_become_hours_of_samples() -> None:
    with pytest.raises(Rejected) as caught:
        heard(raw_sound(np.zeros(50_000, np.float32), 1))
    assert caught.value.code is RejectionCode.UNSUPPORTED_SOUND


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_captions_come_with_their_times_and_without_markup(container: str) -> None:
    cues = ((0.0, 1.0, b"I am fine."), (1.0, 1.75, b"{\\an8}Really, {\\b1}fine\\Nas ever"))
    _, decoded = heard(clip(container, captions=cues), captions=True)
    assert decoded.cues[0] == Cue(start=0.0, end=1.0, text="I am fine.")
    assert decoded.cues[1].start == 1.0
    assert decoded.cues[1].end == pytest.approx(1.75)
    assert len(decoded.cues) == 2


def test_captions_are_read_only_when_asked_for() -> None:
    _, decoded = heard(clip(captions=((0.0, 1.0, b"hello"),)))
    assert decoded.cues == ()


def test_caption_text_loses_nul_control_characters_overrides_and_length() -> None:
    fields = b"0,0,Default,,0,0,0,,"
    assert plain_text(fields + b"{\\i1}one, two{\\i0}\\Nthree\\hfour") == "one, two\nthree four"
    assert plain_text(fields + "a\0b\x1b[31mc\u2028d".encode()) == "a b [31mc d"
    assert plain_text(fields + b"\xff\xfe") == "\ufffd\ufffd"
    assert len(plain_text(fields + b"x" * 10_000)) == LONGEST_CUE


def test_what_the_source_raises_comes_through_in_the_middle_of_the_sound() -> None:
    data = raw_sound(tone(60, 16_000))

    class FailsLater:
        size = len(data)
        asked = 0

        def read_range(self, offset: int, length: int) -> bytes:
            self.asked += 1
            if self.asked > 2:
                raise ConnectionError("S3 is away")
            return data[offset : offset + length]

    blocks = decode(FailsLater(), LIMITS, captions=False)
    assert len(next(blocks)) == BLOCK_SAMPLES
    with pytest.raises(ConnectionError):
        list(blocks)
