"""From pictures to what a face tower sees: the face in them, found and cut out, or the whole of them.

The finder is the frontal Haar cascade of Viola and Jones (2001) in OpenCV's wheel: quick, without weights to fetch, and easily missed by
profiles, small faces and darkness. A stretch in which it finds no face has no face modality, in training as in use.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from cv2.data import haarcascades

from model.album import Rgb

_CASCADE = Path(haarcascades) / "haarcascade_frontalface_default.xml"
#: A face smaller than this share of the shorter side is nobody's whose feelings are asked for.
_SMALLEST_SHARE = 0.12
_SCALE_STEP, _NEIGHBOURS = 1.1, 4
#: The cut is this much wider than what the cascade finds, which ends at the eyebrows and the chin.
_MARGIN = 1.5
#: Pictures of a stretch in which faces are looked for.
_LOOKED_AT = 6

Box = tuple[float, float, float]
_local = threading.local()


class Crop(StrEnum):
    """What of a picture a face tower is trained on: the face that the cascade finds, or all of it."""

    FACE = "face"
    WHOLE = "whole"


def cut(pictures: Sequence[Rgb], crop: Crop, size: int) -> npt.NDArray[np.uint8] | None:
    """The pictures as one clip [pictures, size, size, 3]; None where there are none, or no face in them that was asked for."""
    if not pictures:
        return None
    if crop is Crop.WHOLE:
        return np.stack([_resized(picture, size) for picture in pictures])
    box = _face(pictures[:: max(1, len(pictures) // _LOOKED_AT)])
    return None if box is None else np.stack([_resized(_inside(picture, box), size) for picture in pictures])


def _face(pictures: Sequence[Rgb]) -> Box | None:
    """Centre and half side of the largest face, in pixels: its median over the pictures, so that a clip does not tremble."""
    boxes = []
    for picture in pictures:
        grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        smallest = max(20, round(_SMALLEST_SHARE * min(grey.shape)))
        found = _cascade().detectMultiScale(grey, _SCALE_STEP, _NEIGHBOURS, minSize=(smallest, smallest))
        if len(found):
            x, y, width, height = max(found, key=lambda face: int(face[2]) * int(face[3]))
            boxes.append((x + width / 2, y + height / 2, _MARGIN * max(width, height) / 2))
    if not boxes:
        return None
    x, y, half = np.median(np.array(boxes), axis=0)
    return float(x), float(y), float(half)


def _cascade() -> cv2.CascadeClassifier:
    # A cascade keeps state while it looks: one for each thread.
    if not hasattr(_local, "cascade"):
        _local.cascade = cv2.CascadeClassifier(str(_CASCADE))
    cascade: cv2.CascadeClassifier = _local.cascade
    return cascade


def _inside(picture: Rgb, box: Box) -> Rgb:
    height, width, _ = picture.shape
    x, y, half = box
    half = max(1.0, min(half, width / 2, height / 2))
    left, top = (round(min(max(centre - half, 0), side - 2 * half)) for centre, side in ((x, width), (y, height)))
    return picture[top : top + round(2 * half), left : left + round(2 * half)]


def _resized(picture: Rgb, size: int) -> Rgb:
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
