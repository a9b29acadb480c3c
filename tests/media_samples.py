"""Small files to open: good ones made by PyAV, and hostile ones put together by hand. Run as a program it makes `media/self_test.mp4`."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

FORM = (
    b"------WebKitFormBoundaryA1b2C3d4E5f6G7h8\r\n"
    b'Content-Disposition: form-data; name="file"; filename="clip.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n"
    b"[object File]\r\n------WebKitFormBoundaryA1b2C3d4E5f6G7h8--\r\n"
)
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
FFCONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\nduration 10\n"
SESSION = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 50000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
MANIFEST = (
    b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    b'<Representation id="1"><BaseURL>file:///etc/passwd</BaseURL></Representation></AdaptationSet></Period></MPD>'
)
SUBTITLES = b"1\n00:00:00,000 --> 00:00:02,000\nnothing but text\n"

_STYLES = (
    b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,16\n[Events]\nFormat: Text\n"
)


def clip(
    container: str = "mp4",
    *,
    video: str | None = "libx264",
    audio: str | None = "aac",
    seconds: float = 2.0,
    size: tuple[int, int] = (64, 48),
    rate: int = 48_000,
    captions: tuple[tuple[float, float, bytes], ...] = (),
    options: dict[str, str] | None = None,
    sound_starts: float = 0.0,
    prepare: Callable[[OutputContainer], None] = lambda output: None,
    brightness: Callable[[int], int | NDArray[np.uint8]] = lambda number: number * 5 % 256,
) -> bytes:
    """A file with a moving grey, or with the `brightness` [height, width] that its nth frame is to have, a tone of 440 Hz and captions
    (start, end, text), any of them left out."""
    folder = tempfile.TemporaryDirectory()  # A header at the front is written by reading the file again, by its path.
    path = Path(folder.name, "clip")
    with folder, av.open(path, "w", format=container, options=options or {}) as output:
        pictures = _video(output, video, size) if video else None
        sound = _audio(output, audio, rate) if audio else None
        texts = output.add_stream("mov_text" if container == "mp4" else "subrip") if captions else None
        prepare(output)
        if texts is not None:
            texts.codec_context.subtitle_header = _STYLES
            texts.time_base = Fraction(1, 1000)
            for start, end, text in captions:
                packet = av.Packet(struct.pack(">H", len(text)) + text if container == "mp4" else text)
                packet.stream, packet.time_base = texts, Fraction(1, 1000)
                packet.pts = packet.dts = int(start * 1000)
                packet.duration = int((end - start) * 1000)
                output.mux(packet)
        if pictures is not None:
            for i in range(round(seconds * 25)):
                frame = av.VideoFrame.from_ndarray(_grey(brightness(i), size), format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 25)
                output.mux(pictures.encode(frame))
            output.mux(pictures.encode(None))
        if sound is not None:
            encode_sound(output, sound, tone(seconds, rate), round(sound_starts * rate))
        output.close()
        return path.read_bytes()


def _grey(brightness: int | NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    shown = np.broadcast_to(np.asarray(brightness, np.uint8), (size[1], size[0]))
    return np.ascontiguousarray(np.repeat(shown[..., None], 3, axis=2))


def tone(seconds: float, rate: int) -> NDArray[np.float32]:
    """A tone of 440 Hz at a quarter of full scale."""
    return (0.25 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def encode_sound(output: OutputContainer, stream: AudioStream, samples: NDArray[np.float32], first: int = 0) -> None:
    for start in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = (
            stream.codec_context.sample_rate,
            first + start,
            Fraction(1, stream.codec_context.sample_rate),
        )
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def raw_sound(samples: NDArray[np.float32], rate: int = 16_000) -> bytes:
    """A WAV file of float samples exactly as given, NaN and infinities included, under whatever rate."""
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, rate, rate * 4 % 2**32, 4, 32)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


def surround(samples: NDArray[np.float32], layout: str, channels: tuple[int, ...] | None = None, rate: int = 16_000) -> bytes:
    """A WAV file of a layout such as 7.1 with the same sound in all of its channels, or only in some."""
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("pcm_s16le", rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = layout
        mixed = np.zeros((len(samples), stream.layout.nb_channels), np.int16)
        mixed[:, channels if channels is not None else slice(None)] = (samples * 32767).astype(np.int16)[:, None]
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(mixed[start : start + 1024].reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def picture(width: int = 16, height: int = 16, codec: str = "png") -> bytes:
    """One picture as a file of its own."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.time_base = width, height, Fraction(1, 25)  # type: ignore[attr-defined]
    context.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"  # type: ignore[attr-defined]
    frame = av.VideoFrame(width, height, context.pix_fmt)  # type: ignore[attr-defined]
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])  # type: ignore[attr-defined]


def song_with_cover(sound: bytes, cover: bytes) -> bytes:
    """An MP3 with a picture attached in its ID3 tag."""
    body = b"\0image/png\0\3\0" + cover
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    length = len(frame)
    return b"ID3\3\0\0" + bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame + sound


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of the ISO container."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def inflating_header(megabytes: int) -> bytes:
    """An MP4 whose index is compressed and inflates to this much."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1024**2)) for _ in range(megabytes)) + packer.flush()
    index = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", megabytes * 1024**2), packed))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", index)


def patched(data: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    """The file with `value` written `offset` bytes after each box name `kind`: a header that lies."""
    at, changed = data.find(kind), bytearray(data)
    if at < 0:
        raise ValueError(f"no {kind!r} in the file")
    while at >= 0:
        changed[at + offset : at + offset + len(value)] = value
        at = data.find(kind, at + 1)
    return bytes(changed)


def _video(output: OutputContainer, codec: str, size: tuple[int, int]) -> VideoStream:
    stream = output.add_stream(codec, rate=25)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    return stream


def _audio(output: OutputContainer, codec: str, rate: int) -> AudioStream:
    stream = output.add_stream(codec, rate=rate)
    assert isinstance(stream, AudioStream)
    stream.layout = "mono"
    return stream


if __name__ == "__main__":
    Path("media/self_test.mp4").write_bytes(clip(seconds=0.2, size=(32, 32)))
