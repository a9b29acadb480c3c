"""Looking at a file without reading all of it: is it media, does a picture or a sound decode, does it keep the limits.

What a header claims about length decides nothing by itself, since headers lie in both directions. A claim above the limit is
followed: sound is decoded at that point, and only when there is some is the file too long. A file that claims to be short, or
claims nothing, passes here, and decoding it stops at the limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media import first_bytes
from media.guard import BROKEN_FILE, RefersElsewhere, open_guarded, verdict
from media.limits import MediaLimits, Rejected
from media.ranges import RangeFile, Ranges, ReadsTooMuch
from media.tracks import audio_track, caption_track, check_picture, check_sound, read_only, video_track
from schemas.failures import RejectionCode
from schemas.media import AudioInfo, MediaInfo, VideoInfo

#: Packets of a track that are tried before it counts as one that does not decode.
TRIED_PACKETS = 200


def probe(source: Ranges, limits: MediaLimits) -> MediaInfo:
    """Say what a file is, having decoded a picture or a sound of it.

    Raises Rejected with the rule that the file breaks; what the source raises comes through as it is.
    """
    file = RangeFile(source, most_bytes=limits.probe_read_bytes)
    _check_size(source.size, limits)
    head = file.read(first_bytes.LENGTH)
    file.seek(0)
    if first_bytes.is_form_data(head):
        raise Rejected(
            RejectionCode.FORM_DATA,
            f"these {source.size} bytes are a web form, not the file inside it; send the file's bytes alone as the body of the PUT",
        )
    known = first_bytes.is_known_media(head)
    try:
        with open_guarded(file, limits) as container:
            return _look(container, source.size, limits)
    except (Rejected, *BROKEN_FILE, RefersElsewhere, ReadsTooMuch) as error:
        raise verdict(error, file, known=known) from error


def _check_size(size: int, limits: MediaLimits) -> None:
    if size == 0:
        raise Rejected(RejectionCode.OBJECT_EMPTY, "the file has 0 bytes; upload it again")
    if size > limits.bytes:
        raise Rejected(RejectionCode.TOO_LARGE, f"the file has {size} bytes, and at most {limits.bytes} are read; upload a smaller version")


def _look(container: InputContainer, size: int, limits: MediaLimits) -> MediaInfo:
    video, audio = video_track(container), audio_track(container)
    if video is None and audio is None:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        raise Rejected(RejectionCode.NO_STREAMS, f"the file has no video or sound that decodes (tracks: {kinds}); upload one that has")
    video_info = _prove_video(container, video, limits) if video is not None else None
    audio_info = _prove_audio(container, audio) if audio is not None else None
    if video_info is None and audio_info is None:
        raise Rejected(RejectionCode.UNDECODABLE, "no picture and no sound of the file decodes; export it again and upload that")
    claimed = container.duration / 1_000_000 if container.duration is not None and container.duration > 0 else None
    if audio is not None and audio_info is not None and claimed is not None and claimed > limits.sound_seconds:
        _check_sound_ends(container, audio, limits)
    names = container.format.name.split(",")
    return MediaInfo(
        container="mp4" if "mp4" in names else names[0],
        bytes=size,
        duration_seconds=claimed,
        video=video_info,
        audio=audio_info,
        has_captions=caption_track(container) is not None,
    )


def _prove_video(container: InputContainer, stream: VideoStream, limits: MediaLimits) -> VideoInfo | None:
    check_picture(stream, limits)
    frame = next((frame for frame in _frames(container, stream) if isinstance(frame, VideoFrame)), None)
    if frame is None:
        return None
    check_picture(frame, limits)
    rate = stream.average_rate
    return VideoInfo(
        codec=stream.codec.canonical_name,
        width=frame.width,
        height=frame.height,
        frame_rate=float(rate) if rate is not None and rate > 0 else None,
    )


def _prove_audio(container: InputContainer, stream: AudioStream) -> AudioInfo | None:
    frame = next((frame for frame in _frames(container, stream) if isinstance(frame, AudioFrame) and frame.samples > 0), None)
    if frame is None:
        return None
    check_sound(frame)
    return AudioInfo(codec=stream.codec.canonical_name, sample_rate=frame.sample_rate, channels=frame.layout.nb_channels)


def _check_sound_ends(container: InputContainer, stream: AudioStream, limits: MediaLimits) -> None:
    """Raise Rejected(too_long) when sound decodes at the limit; a header that only claims so much is no reason."""
    start = (container.start_time or 0) / 1_000_000
    container.seek(int((start + limits.sound_seconds) * 1_000_000))
    for frame in _frames(container, stream):
        if frame.time is not None and frame.time - start >= limits.sound_seconds:
            raise Rejected(
                RejectionCode.TOO_LONG,
                f"there is still sound after {limits.sound_seconds:g} seconds, which is the most that is read; upload it in parts",
            )


def _frames(container: InputContainer, stream: VideoStream | AudioStream) -> Iterator[VideoFrame | AudioFrame]:
    """Frames of one track from where the file stands, as far as the first packets give any."""
    read_only(container, stream)
    for tried, packet in enumerate(container.demux(stream)):
        if tried == TRIED_PACKETS:
            return
        try:
            yield from packet.decode()  # type: ignore[misc]  # demux(stream) gives this track's packets only
        except MemoryError:
            raise
        except BROKEN_FILE:
            continue  # The next packet may decode: a file may begin in the middle of a picture.
