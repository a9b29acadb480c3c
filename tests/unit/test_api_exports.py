"""Analyses as subtitles and tables: what strangers said stays text."""

from __future__ import annotations

import csv
import io

import pytest

from api import exports
from schemas.analysis import Analysis, EmotionScores, Modality, Scores, SentimentScores, Utterance

SCORES = Scores(
    emotions=EmotionScores(anger=0.1, disgust=0, fear=0, joy=0.7, neutral=0.2, sadness=0, surprise=0),
    sentiments=SentimentScores(negative=0.1, neutral=0.2, positive=0.7),
)


def analysis(*texts: str) -> Analysis:
    said = tuple(Utterance(start=n + 0.0004, end=3661.9996 + n, text=text, words=(), scores=SCORES) for n, text in enumerate(texts))
    return Analysis(profile="p", media_seconds=5, compute_seconds=1, models=(), modalities=(Modality.TEXT,), utterances=said)


def test_srt_has_numbered_cues_with_times_to_the_millisecond() -> None:
    assert exports.srt(analysis("one", "two")) == (
        "1\n00:00:00,000 --> 01:01:02,000\n[joy] one\n\n2\n00:00:01,000 --> 01:01:03,000\n[joy] two\n"
    )


def test_vtt_carries_the_feeling_as_classes() -> None:
    assert exports.vtt(analysis("one")) == "WEBVTT\n\n1\n00:00:00.000 --> 01:01:02.000\n<c.joy.positive>one</c>\n"


@pytest.mark.parametrize("render", [exports.srt, exports.vtt])
def test_words_cannot_end_a_cue_or_act_as_markup(render: object) -> None:
    assert callable(render)
    text = render(analysis("a\n\n9\n00:00:00,000 --> 00:00:09,000\n<script>x</script> & {\\an8}"))
    assert "<script>" not in text
    assert "{\\an8}" not in text
    assert text.count("-->") == 1
    assert "&amp;" in text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_of_the_table_is_a_formula(text: str) -> None:
    (row,) = list(csv.DictReader(io.StringIO(exports.table(analysis(text)), newline="")))
    assert row["text"] == f"'{text}"


def test_the_table_has_every_probability() -> None:
    (row,) = list(csv.DictReader(io.StringIO(exports.table(analysis('he said "no", twice')), newline="")))
    assert (row["text"], row["emotion"], row["sentiment"]) == ('he said "no", twice', "joy", "positive")
    assert (row["emotion_joy"], row["sentiment_negative"]) == ("0.7000", "0.1000")
    assert len(row) == 5 + 7 + 3
