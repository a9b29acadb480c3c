"""Whisper's own checks of what it has written down: they stay on, and what fails one is tried again or left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from model import words_by_whisper
from model.voice_segments import VoiceSegment
from samples import sounds
from samples.script import ERRAND
from tests.tiny_checkpoints import scripted_whisper, write_whisper


def test_words_that_whisper_itself_takes_for_silence_are_left_out(tmp_path: Path) -> None:
    """Its own check: probably nobody speaks, and it is not sure of its words."""
    network = scripted_whisper(doubts=7)
    tokens = network.decoder.token_embedding.weight
    with torch.no_grad():
        network.decoder.positional_embedding[0] += 24.0 * tokens[50_362]  # <|nospeech|>, where the language stands

    recogniser = words_by_whisper.load(tmp_path, write_whisper(tmp_path, network))

    assert recogniser.transcribe([VoiceSegment(0.0, np.zeros(32_000, np.float32))]).words == ()


def test_the_same_video_gives_the_same_words_even_where_whisper_draws_lots(tmp_path: Path) -> None:
    """An unsure Whisper tries again at higher temperatures, at which it chooses at random."""
    recogniser = words_by_whisper.load(tmp_path, write_whisper(tmp_path, scripted_whisper(doubts=7)))
    segment = VoiceSegment(0.0, sounds.spoken(ERRAND)[:32_000])

    first = recogniser.transcribe([segment])
    assert first.words
    assert recogniser.transcribe([segment]) == first


def test_words_that_go_round_in_circles_are_listened_to_again(tmp_path: Path) -> None:
    """Its check of how far the words can be compressed. It is sure of them, so that no other check sees anything."""
    circle = "round and " * 12
    network = scripted_whisper([(0.0, 4.0, circle.strip())], doubts=1, leaning=1.03)
    network.decoder.ln.weight.data.fill_(1.0)
    recogniser = words_by_whisper.load(tmp_path, write_whisper(tmp_path, network))

    said = [word.text for word in recogniser.transcribe([VoiceSegment(0.0, sounds.spoken(ERRAND)[:64_000])]).words]

    assert set(said) > {"round", "and"}, "what it says where it draws lots"
