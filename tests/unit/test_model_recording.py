"""What voice and face are read from: the same whatever the blocks, over the whole of a stretch, in bounded memory."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from media.pictures import Picture
from model import album as albums
from model.album import Album
from model.faces import Crop, cut
from model.recording import Looking, Recording
from model.spectrogram import BANDS, Spectrogram
from model.voice_segments import VoiceSegment
from tests.media_samples import tone


def spectrogram(*blocks: np.ndarray) -> Spectrogram:
    made = Spectrogram()
    for block in blocks:
        made.add(block)
    return made


def test_frames_do_not_depend_on_how_the_sound_was_cut_into_blocks() -> None:
    sound = np.random.default_rng(0).normal(scale=0.1, size=50_000).astype(np.float32)
    whole, pieces = spectrogram(sound), spectrogram(*np.array_split(sound, [1, 100, 399, 400, 401, 20_000, 20_001, 49_999]))
    assert np.allclose(whole.between(0, 9), pieces.between(0, 9), atol=1e-2)
    assert len(whole.between(0, 9)) == (50_000 - 400) // 160 + 1


def test_a_stretch_has_the_frames_of_its_own_time() -> None:
    sound = np.concatenate([np.zeros(16_000, np.float32), tone(1, 16_000), np.zeros(16_000, np.float32)])
    made = spectrogram(sound)
    loudness = made.between(0, 3).max(axis=1)
    assert loudness[:95].max() < loudness[105:195].min()
    assert loudness[105:195].min() > loudness[205:].max()
    assert made.between(1.1, 1.6).shape == (50, BANDS)
    assert np.array_equal(made.between(1.1, 1.6), made.between(0, 3)[110:160])


def test_higher_tones_are_in_higher_bands_and_silence_is_finite() -> None:
    time = np.arange(16_000) / 16_000
    tones = [np.sin(2 * np.pi * hertz * time, dtype=np.float32) for hertz in (200, 800, 3200)]
    peaks = [int(spectrogram(sound).between(0, 1).mean(0).argmax()) for sound in tones]
    assert peaks == sorted(set(peaks))
    assert np.isfinite(spectrogram(np.zeros(8_000, np.float32)).between(0, 1)).all()
    assert spectrogram().between(0, 5).shape == (0, BANDS)


def grey(value: int, side: int = 32) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def filled(count: int, most_bytes: int = albums.MOST_BYTES) -> Album:
    album = Album(most_bytes)
    for n in range(count):
        album.add(Picture(n / 4, grey(n % 250)))
    return album


def test_pictures_are_spread_over_the_whole_of_a_stretch() -> None:
    shades = [round(float(picture.mean())) for picture in filled(60).between(0.0, 15.0, 15)]
    assert shades == pytest.approx([4 * n + 2 for n in range(15)], abs=1)


def test_a_short_stretch_repeats_what_it_has() -> None:
    assert [round(float(picture.mean())) for picture in filled(60).between(2.0, 2.2, 4)] == [8] * 4


def test_a_stretch_that_reaches_past_the_pictures_has_none() -> None:
    album = filled(8)
    assert album.between(1.0, 30.0, 4) == []
    assert album.between(50.0, 51.0, 4) == []
    assert Album().between(0.0, 1.0, 4) == []


def test_an_album_of_a_long_video_stays_small_and_still_covers_all_of_it() -> None:
    one = filled(1)._bytes
    album = filled(2_000, most_bytes=100 * one)
    assert len(album) <= 110
    assert len(album.between(0.0, 499.0, 50)) == 50
    assert len(album.between(480.0, 499.0, 16)) == 16


def drawn_face(x: int, y: int, side: int = 256) -> np.ndarray:
    """A face as a cascade expects one: eyes darker than cheeks, a bridge between them, a mouth."""
    picture = np.full((side, side, 3), 90, np.uint8)
    cv2.ellipse(picture, (x, y), (38, 50), 0, 0, 360, (205, 170, 150), -1)
    for dx in (-16, 16):
        cv2.ellipse(picture, (x + dx, y - 12), (11, 6), 0, 0, 360, (50, 35, 30), -1)
        cv2.line(picture, (x + dx - 11, y - 24), (x + dx + 11, y - 24), (70, 50, 40), 4)
    cv2.ellipse(picture, (x, y + 25), (15, 5), 0, 0, 360, (120, 60, 60), -1)
    cv2.line(picture, (x - 3, y - 4), (x - 5, y + 10), (170, 130, 110), 3)
    return cv2.GaussianBlur(picture, (7, 7), 0)


def test_a_face_is_cut_out_wherever_it_is() -> None:
    for x, y in ((80, 90), (170, 150)):
        clip = cut([drawn_face(x + step, y + step) for step in range(6)], Crop.FACE, 112)
        assert clip is not None
        assert clip.shape == (6, 112, 112, 3)
        rows, columns = np.nonzero(clip[3].mean(axis=2) > 130)
        assert (rows.mean(), columns.mean()) == pytest.approx((56, 56), abs=8), "the face is in the middle"
        assert len(rows) > 0.15 * 112 * 112


def test_pictures_without_a_face_have_none_and_whole_pictures_are_asked_for_by_name() -> None:
    wall = [np.random.default_rng(1).integers(80, 120, (144, 256, 3), np.uint8)] * 4
    assert cut(wall, Crop.FACE, 112) is None
    whole = cut(wall, Crop.WHOLE, 48)
    assert whole is not None
    assert whole.shape == (4, 48, 48, 3)
    assert cut([], Crop.WHOLE, 48) is None


def test_a_recording_keeps_only_what_somebody_wants() -> None:
    deaf = Recording(None, listening=False)
    assert deaf.watcher is None
    assert [len(block) for block in deaf.heard([np.zeros(16_000, np.float32)])] == [16_000]
    assert deaf.stretch(0, 1) == type(deaf.stretch(0, 1))(None, None)


def test_a_recording_tells_for_how_long_somebody_may_have_spoken() -> None:
    recording = Recording(Looking(4, 32, Crop.WHOLE), listening=True)
    segments = [VoiceSegment(start, np.zeros(16_000, np.int16)) for start in (1.0, 9.5)]
    assert list(recording.voiced(segments)) == segments
    assert recording.voiced_seconds(0, 10) == pytest.approx(1.5)
    assert recording.voiced_seconds(3, 9) == 0
