"""Videos as long as one likes, made of the dialogue again and again: its packets are written anew and nothing is encoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from samples.script import DIALOGUE


def write_long(path: Path, seconds: float, *, heard_every: int = 1) -> int:
    """Write an MP4 of at least so many seconds, and return how often the dialogue is heard in it.

    Pictures and sound are the dialogue's, repeated. Only one repetition of `heard_every` is heard, the first, and the others are silent.
    """
    with av.open(DIALOGUE) as source, av.open(path, "w", format="mp4") as output:
        picture_track, sound_track = source.streams.video[0], source.streams.audio[0]
        tracks = {track.index: output.add_stream_from_template(track) for track in (picture_track, sound_track)}
        packets = [packet for packet in source.demux(picture_track, sound_track) if packet.pts is not None]
        length = sum((_length(packet) for packet in packets if packet.stream is sound_track), Fraction(0))
        silence = _silence(sound_track)
        repetitions = -(-int(seconds) // int(length))
        for number in range(repetitions):
            for packet in packets:
                silent = packet.stream is sound_track and number % heard_every
                output.mux(_later(packet, silence if silent else bytes(packet), number * length, tracks[packet.stream.index]))
    return -(-repetitions // heard_every)


def _length(packet: Packet[Stream]) -> Fraction:
    assert packet.duration is not None, "every packet of the sample says how long it is"
    assert packet.time_base is not None, "and in which unit"
    return packet.duration * packet.time_base


def _later(packet: Packet[Stream], content: bytes, by: Fraction, track: Stream) -> Packet[Stream]:
    assert packet.time_base is not None
    assert packet.pts is not None
    assert packet.dts is not None
    shift = round(by / packet.time_base)
    later: Packet[Stream] = Packet(content)
    later.stream, later.time_base, later.duration = track, packet.time_base, packet.duration
    later.pts, later.dts, later.is_keyframe = packet.pts + shift, packet.dts + shift, packet.is_keyframe
    return later


def _silence(like: AudioStream) -> bytes:
    """A frame of the same codec in which nothing is heard."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = like.rate, like.layout, "fltp"
    encoder.time_base = Fraction(1, like.rate)
    packets: list[Packet[Stream]] = []
    for number in range(8):
        frame = av.AudioFrame.from_ndarray(np.zeros((like.channels, 1024), np.float32), format="fltp", layout=like.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = like.rate, number * 1024, Fraction(1, like.rate)
        packets += encoder.encode(frame)
    return bytes(packets[-1])
