"""An analysis as subtitles or as a table: SRT, WebVTT and CSV, each a pure function.

The words come from strangers' sound and captions, so nothing of them may act as markup in a player or as a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import io

from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, Utterance

#: What a spreadsheet takes for the beginning of a formula. Source: OWASP, "CSV Injection".
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def srt(analysis: Analysis) -> str:
    """SubRip subtitles, the emotion in brackets before the words."""
    cues = (
        f"{number}\n{_time(utterance.start, ',')} --> {_time(utterance.end, ',')}\n[{utterance.scores.emotion}] {_words(utterance)}\n"
        for number, utterance in enumerate(analysis.utterances, 1)
    )
    return "\n".join(cues)


def vtt(analysis: Analysis) -> str:
    """WebVTT subtitles; the emotion and the sentiment are classes of the words, for a style sheet."""
    cues = (
        f"{number}\n{_time(utterance.start, '.')} --> {_time(utterance.end, '.')}\n"
        f"<c.{utterance.scores.emotion}.{utterance.scores.sentiment}>{_words(utterance)}</c>\n"
        for number, utterance in enumerate(analysis.utterances, 1)
    )
    return "\n".join(["WEBVTT\n", *cues])


def table(analysis: Analysis) -> str:
    """CSV (RFC 4180), a row an utterance: times in seconds, words, the likeliest emotion and sentiment, and every probability."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    probabilities = [*(f"emotion_{name}" for name in EMOTIONS), *(f"sentiment_{name}" for name in SENTIMENTS)]
    writer.writerow(["start", "end", "text", "emotion", "sentiment", *probabilities])
    for utterance in analysis.utterances:
        scores = utterance.scores
        writer.writerow(
            [
                f"{utterance.start:.3f}",
                f"{utterance.end:.3f}",
                _cell(utterance.text),
                scores.emotion,
                scores.sentiment,
                *(f"{getattr(scores.emotions, name):.4f}" for name in EMOTIONS),
                *(f"{getattr(scores.sentiments, name):.4f}" for name in SENTIMENTS),
            ]
        )
    return out.getvalue()


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _words(utterance: Utterance) -> str:
    """The words on one line, since an empty line ends a cue; `{` begins a style in some players of SRT, unless something follows it."""
    text = " ".join(utterance.text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("{", "{\u2060")


def _cell(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
