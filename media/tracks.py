"""Which tracks of an opened file count, and the rules that their headers and their decoded frames must keep."""

from __future__ import annotations

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media.limits import MediaLimits, Rejected
from schemas.failures import RejectionCode

SLOWEST_SOUND, FASTEST_SOUND = 4_000, 384_000
MOST_CHANNELS = 32

#: Pictures that belong to something else: covers, thumbnails, stills.
_NOT_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_TEXT_CAPTIONS = {"mov_text", "subrip", "srt", "webvtt", "ass", "ssa", "text"}
#: Brands of the ISO container that are pictures, not video.
_PICTURE_BRANDS = {"avif", "avis", "heic", "heix", "mif1", "msf1"}


def video_track(container: InputContainer) -> VideoStream | None:
    """The first picture track that has a decoder and is no cover, thumbnail or still."""
    if container.metadata.get("major_brand") in _PICTURE_BRANDS:
        return None
    return next((s for s in container.streams.video if s.codec_context is not None and not s.disposition & _NOT_VIDEO), None)


def audio_track(container: InputContainer) -> AudioStream | None:
    """The first sound track that has a decoder."""
    return next((s for s in container.streams.audio if s.codec_context is not None), None)


def caption_track(container: InputContainer) -> SubtitleStream | None:
    """The first caption track that is text; pictures of text are not read."""
    return next((s for s in container.streams.subtitles if s.codec_context is not None and s.codec_context.name in _TEXT_CAPTIONS), None)


def read_only(container: InputContainer, *wanted: Stream | None) -> None:
    """Have the demuxer drop the packets of every track but these, where it can without reading them."""
    indexes = {stream.index for stream in wanted if stream is not None}
    for stream in container.streams:
        stream.discard = Discard.default if stream.index in indexes else Discard.all


def check_picture(picture: VideoStream | VideoFrame, limits: MediaLimits) -> None:
    """Raise Rejected(too_many_pixels) for a header or a decoded frame that is larger than allowed."""
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    if longer > limits.width or shorter > limits.height:
        raise Rejected(
            RejectionCode.TOO_MANY_PIXELS,
            f"the picture is {picture.width} x {picture.height}, at most {limits.width} x {limits.height} is read; upload a smaller one",
        )


def check_sound(frame: AudioFrame) -> None:
    """Raise Rejected(unsupported_sound) for decoded sound that cannot be speech: a rate of 1 Hz would become billions of samples."""
    channels = frame.layout.nb_channels
    if not SLOWEST_SOUND <= frame.sample_rate <= FASTEST_SOUND or not 1 <= channels <= MOST_CHANNELS:
        raise Rejected(
            RejectionCode.UNSUPPORTED_SOUND,
            f"the sound has {frame.sample_rate} samples a second in {channels} channels, and {SLOWEST_SOUND} to {FASTEST_SOUND} in at most "
            f"{MOST_CHANNELS} are read; upload it with ordinary sound, such as 48000 in 2",
        )
