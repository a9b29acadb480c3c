"""Decoding a file once, in flat memory: its sound as 16 kHz mono blocks, its captions and its pictures.

Sample n of the blocks put together is heard n / 16000 seconds after the video starts. Holes in the file's clock become silence and
are reported, and a file that breaks in the middle keeps what was decoded until there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.subtitles.subtitle import AssSubtitle
from numpy.typing import NDArray

from media import first_bytes
from media.captions import Captions
from media.decoded import Decoded
from media.guard import BROKEN_FILE, RefersElsewhere, open_guarded, reason, verdict
from media.limits import MediaLimits, Rejected
from media.pictures import Sampler, Watcher
from media.ranges import RangeFile, Ranges, ReadsTooMuch
from media.sound import Sound
from media.tracks import audio_track, caption_track, read_only, video_track

#: Of a track's claimed length, what may be missing at the end before it is reported.
_MISSING_SECONDS, _MISSING_SHARE = 1.0, 0.02


def decode(
    source: Ranges, limits: MediaLimits, *, captions: bool, pictures: Watcher | None = None
) -> Generator[NDArray[np.float32], None, Decoded]:
    """Yield the sound in blocks of five seconds (float32, -1 to 1, 16 kHz, mono), then return what there is to say about it.

    Meanwhile the pictures of media.pictures go to `pictures`, if it is given.

    Raises Rejected when the file cannot be opened or passes a limit; what the source raises comes through as it is.
    """
    file = RangeFile(source, most_bytes=int(source.size * limits.decode_reads) + limits.probe_read_bytes)
    known = first_bytes.is_known_media(file.read(first_bytes.LENGTH))
    file.seek(0)
    try:
        with open_guarded(file, limits) as container:
            decoded = yield from _decode(container, limits, captions, pictures)
        if file.failure is not None:
            raise file.failure  # It looked like the file breaking, which keeps what was decoded.
        return decoded
    except (Rejected, *BROKEN_FILE, RefersElsewhere, ReadsTooMuch) as error:
        raise verdict(error, file, known=known) from error


def _decode(
    container: InputContainer, limits: MediaLimits, captions: bool, pictures: Watcher | None
) -> Generator[NDArray[np.float32], None, Decoded]:
    video_start = (container.start_time or 0) / 1_000_000
    audio = audio_track(container)
    subtitles = caption_track(container) if captions else None
    video = video_track(container) if pictures is not None else None
    sound = Sound(limits, video_start)
    cues = Captions(subtitles, video_start) if subtitles is not None else None
    seen = Sampler(video, limits, video_start, pictures) if video is not None and pictures is not None else None
    if audio is not None or cues is not None or seen is not None:
        yield from _demux(container, audio, sound, cues, seen)
    yield from sound.finish()
    if audio is not None and not any(gap.end is None for gap in sound.gaps):
        _check_end(container, audio, sound)
    return Decoded(
        has_sound=sound.decoded_frames > 0,
        sound_seconds=sound.seconds,
        cues=tuple(cues.cues) if cues is not None else (),
        gaps=(*sound.gaps, *(seen.gaps if seen is not None else ())),
    )


def _demux(
    container: InputContainer, audio: AudioStream | None, sound: Sound, cues: Captions | None, seen: Sampler | None
) -> Iterator[NDArray[np.float32]]:
    tracks = (audio, cues.stream if cues is not None else None, seen.stream if seen is not None else None)
    wanted: list[Stream] = [stream for stream in tracks if stream is not None]
    read_only(container, *wanted)
    try:
        for packet in container.demux(*wanted):
            if seen is not None and packet.stream is seen.stream:
                seen.add(packet)
                continue
            try:
                items = packet.decode()
            except MemoryError:
                raise
            except BROKEN_FILE as error:
                if sound.skip(reason(error)):
                    return
                continue
            for item in items:
                if isinstance(item, AudioFrame):
                    yield from sound.add(item)
                elif isinstance(item, AssSubtitle) and cues is not None:
                    cues.add(packet, item)
    except MemoryError:
        raise
    except BROKEN_FILE as error:
        sound.end(f"the file breaks here: {reason(error)}")


def _check_end(container: InputContainer, audio: AudioStream, sound: Sound) -> None:
    """Report sound that a header promises and the file does not have, which is how a file that was cut off looks."""
    # Other containers do not say how long they are, or FFmpeg guesses it from the bit rate.
    if not {"mp4", "matroska"} & set(container.format.name.split(",")) or container.duration is None:
        return
    claimed = container.duration / 1_000_000
    if audio.duration is not None and audio.time_base is not None:
        claimed = min(claimed, float(audio.duration * audio.time_base))
    if claimed - sound.seconds > max(_MISSING_SECONDS, claimed * _MISSING_SHARE):
        sound.end(f"the sound ends here, and the file says it lasts {claimed:.1f} seconds")
