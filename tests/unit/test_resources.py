"""What a client may declare about a video, before any server sees it."""

from __future__ import annotations

import msgspec
import pytest

from schemas.resources import CreateUpload


@pytest.mark.parametrize("content_type", ["video/mp4", "video/x-matroska", 'video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4 ;x=1"])
def test_a_media_type_with_or_without_parameters_is_taken(content_type: str) -> None:
    assert msgspec.convert({"filename": "clip.mp4", "content_type": content_type}, CreateUpload).content_type == content_type


@pytest.mark.parametrize(
    "content_type", ["video/mp4\n", "video/mp4\n;x", "video/mp4;x\n", "video/mp4;\x7f", "видео/mp4", "video/mp4;имя=клип", "video", ""]
)
def test_a_media_type_that_no_header_can_carry_is_refused(content_type: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"content_type"):
        msgspec.convert({"filename": "clip.mp4", "content_type": content_type}, CreateUpload)


@pytest.mark.parametrize("name", ["клип 1.mp4", "a"])
def test_a_file_name_in_any_script_is_taken(name: str) -> None:
    assert msgspec.convert({"filename": name}, CreateUpload).filename == name


@pytest.mark.parametrize("name", ["clip.mp4\n", "\n", "cl\nip.mp4", "clip\x00.mp4", ""])
def test_a_file_name_with_a_line_break_or_control_character_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"filename"):
        msgspec.convert({"filename": name}, CreateUpload)
