"""Drawing a sample clip's pictures: two faces, the one who speaks in colour, with a mouth that follows the voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 320, 180

Picture = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]

_BACKGROUND = {
    "anger": (150, 50, 45),
    "disgust": (100, 115, 60),
    "fear": (60, 55, 95),
    "joy": (235, 190, 80),
    "neutral": (110, 120, 130),
    "sadness": (60, 85, 125),
    "surprise": (170, 110, 170),
}
#: How far the corners of the mouth are bent up (positive) or down, in pixels.
_SMILE = {"anger": -7, "disgust": -5, "fear": -3, "joy": 9, "neutral": 0, "sadness": -8, "surprise": 1}
#: How far the inner ends of the brows are lowered (positive) or raised, in pixels.
_BROW = {"anger": 5, "disgust": 3, "fear": -4, "joy": -1, "neutral": 0, "sadness": -4, "surprise": -6}
_SKIN = {"left": (240, 200, 165), "right": (195, 150, 120)}
_DARK = (35, 30, 35)
_ROWS, _COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]


def _disc(x: float, y: float, width: float, height: float) -> _Mask:
    return np.asarray(((_COLUMNS - x) / width) ** 2 + ((_ROWS - y) / height) ** 2 <= 1.0)


def _draw_face(picture: Picture, side: str, mood: str, opened: float) -> None:
    x, y = (95 if side == "left" else 225), 92
    toward = 4 if side == "left" else -4  # they look at each other
    picture[_disc(x, y, 46, 56)] = _SKIN[side]
    for eye in (-17, 17):
        picture[_disc(x + eye, y - 12, 8, 6)] = (250, 250, 250)
        picture[_disc(x + eye + toward, y - 12, 4, 4)] = _DARK
        inward = (x + eye - _COLUMNS) * np.sign(eye) / 9.0
        brow = y - 26 + inward * _BROW[mood]
        picture[(abs(_COLUMNS - x - eye) <= 10) & (abs(_ROWS - brow) <= 1.5)] = _DARK
    bend = y + 26 + _SMILE[mood] * (0.5 - ((_COLUMNS - x) / 20.0) ** 2)
    picture[(abs(_COLUMNS - x) <= 20) & (abs(_ROWS - bend) <= 1.5 + 8.0 * opened * (1 - ((_COLUMNS - x) / 21.0) ** 2))] = (130, 45, 55)


def draw(speaker: str | None, mood: str, loudness: float) -> Picture:
    """One picture [HEIGHT, WIDTH, 3]: who speaks (`left`, `right` or nobody), the mood, and how loud it is just now (0 to 1)."""
    picture: Picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = _BACKGROUND[mood]
    picture[HEIGHT - 30 :] = (70, 55, 45)
    for side in ("left", "right"):
        if side == speaker:
            _draw_face(picture, side, mood, loudness)
        else:
            _draw_face(picture, side, "neutral", 0.0)
            around = slice(40, 150) if side == "left" else slice(170, 280)
            picture[30:150, around] = picture[30:150, around] // 2 + 45
    return picture
