"""How far recognised words are from the script."""

from __future__ import annotations

import re


def spoken_words(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def word_error_rate(script: str, recognised: str) -> float:
    """Words substituted, left out and added, as a share of the script's words (0 is perfect; above 1 is possible).

    ValueError when the script has no words.
    """
    expected, given = spoken_words(script), spoken_words(recognised)
    if not expected:
        raise ValueError(f"the script {script!r} has no words: a word error rate needs at least one")
    distances = list(range(len(given) + 1))
    for row, word in enumerate(expected, 1):
        diagonal, distances[0] = distances[0], row
        for column, other in enumerate(given, 1):
            best = min(distances[column] + 1, distances[column - 1] + 1, diagonal + (word != other))
            diagonal, distances[column] = distances[column], best
    return distances[-1] / len(expected)
