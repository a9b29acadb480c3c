"""Analyses for ELAN: the structure that EAF 3.0 lays down, and intervals as its tiers want them."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import msgspec
import pytest

from api import elan
from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, EmotionScores, Modality, Scores, SentimentScores, Utterance, Word

SCORES = Scores(
    emotions=EmotionScores(anger=0.1, disgust=0, fear=0, joy=0.7, neutral=0.2, sadness=0, surprise=0),
    sentiments=SentimentScores(negative=0.1, neutral=0.2, positive=0.7),
)
VIDEO = elan.Video("my talk & more.mp4", "video/mp4", datetime(2026, 11, 26, 9, 30, tzinfo=UTC))
#: The children of the root, in the order that the schema wants.
ORDER = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LANGUAGE", "CONSTRAINT", "CONTROLLED_VOCABULARY"]


def utterance(start: float, end: float, *words: tuple[str, float, float], uncertain: bool = False) -> Utterance:
    said = tuple(Word(text=text, start=first, end=last) for text, first, last in words)
    text = " ".join(word.text for word in said)
    return Utterance(start=start, end=end, text=text, words=said, scores=SCORES, uncertain=uncertain)


def document(*utterances: Utterance) -> ElementTree.Element:
    analysis = Analysis(profile="p", media_seconds=9, compute_seconds=1, models=(), modalities=(Modality.TEXT,), utterances=utterances)
    return ElementTree.fromstring(elan.eaf(analysis, VIDEO))  # noqa: S314  # our own


def intervals(root: ElementTree.Element, tier: str) -> list[tuple[int, int, str]]:
    times = {slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")}
    return [
        (times[one.attrib["TIME_SLOT_REF1"]], times[one.attrib["TIME_SLOT_REF2"]], one.findtext("ANNOTATION_VALUE") or "")
        for one in root.iterfind(f"TIER[@TIER_ID='{tier}']/ANNOTATION/ALIGNABLE_ANNOTATION")
    ]


def values(root: ElementTree.Element, tier: str) -> list[tuple[str, str | None, str | None]]:
    return [
        (one.attrib["ANNOTATION_REF"], one.get("CVE_REF"), one.findtext("ANNOTATION_VALUE"))
        for one in root.iterfind(f"TIER[@TIER_ID='{tier}']/ANNOTATION/REF_ANNOTATION")
    ]


def test_the_parts_stand_in_the_order_of_the_schema_and_refer_to_what_there_is() -> None:
    root = document(utterance(0, 1, ("one", 0, 0.5)), utterance(1, 2))
    assert (root.tag, root.attrib["FORMAT"], root.attrib["VERSION"]) == ("ANNOTATION_DOCUMENT", "3.0", "3.0")
    tags = [child.tag for child in root]
    assert tags == sorted(tags, key=ORDER.index)
    assert set(tags) == set(ORDER)
    types = {one.attrib["LINGUISTIC_TYPE_ID"]: one.attrib for one in root.iter("LINGUISTIC_TYPE")}
    tiers = {one.attrib["TIER_ID"]: one.attrib for one in root.iter("TIER")}
    for tier in tiers.values():
        kind = types[tier["LINGUISTIC_TYPE_REF"]]
        assert ("PARENT_REF" in tier) == ("CONSTRAINTS" in kind)
        assert tier.get("PARENT_REF", "utterances") in tiers
    stereotypes = {one.attrib["STEREOTYPE"] for one in root.iter("CONSTRAINT")}
    assert {kind["CONSTRAINTS"] for kind in types.values() if "CONSTRAINTS" in kind} <= stereotypes
    ids = [one.attrib["ANNOTATION_ID"] for one in root.iter() if "ANNOTATION_ID" in one.attrib]
    assert len(set(ids)) == len(ids)
    assert root.findtext("HEADER/PROPERTY[@NAME='lastUsedAnnotationId']") == str(len(ids))


def test_emotions_and_sentiments_are_values_of_their_vocabularies_and_uncertain_ones_are_marked() -> None:
    root = document(utterance(0, 1), utterance(1, 2, uncertain=True))
    first, second = [one.attrib["ANNOTATION_ID"] for one in root.iter("ALIGNABLE_ANNOTATION")]
    assert values(root, "emotion") == [(first, "emotions-joy", "joy"), (second, "emotions-joy", "joy")]
    assert values(root, "sentiment") == [(first, "sentiments-positive", "positive"), (second, "sentiments-positive", "positive")]
    assert values(root, "certainty") == [(second, None, "uncertain")]
    for name, known in (("emotions", EMOTIONS), ("sentiments", SENTIMENTS)):
        entries = root.iterfind(f"CONTROLLED_VOCABULARY[@CV_ID='{name}']/CV_ENTRY_ML")
        assert {entry.attrib["CVE_ID"]: entry.findtext("CVE_VALUE") for entry in entries} == {f"{name}-{one}": one for one in known}


def test_the_video_lies_beside_the_document() -> None:
    media = document().find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.attrib["RELATIVE_MEDIA_URL"] == "./my%20talk%20%26%20more.mp4"
    assert media.attrib["MIME_TYPE"] == "video/mp4"


def test_intervals_of_a_tier_do_not_overlap_and_words_lie_within_their_utterance() -> None:
    root = document(
        utterance(0, 2, ("a", -0.0, 0.5), ("b", 0.4, 0.4), ("c", 1.9, 2.6), ("d", 2.7, 2.9)),
        utterance(1.5, 3, ("e", 1.5, 2.5)),
        utterance(3, 3),
    )
    said = intervals(root, "utterances")
    assert [(start, end) for start, end, _ in said] == [(0, 2000), (2000, 3000), (3000, 3001)]
    assert intervals(root, "words") == [(0, 500, "a"), (500, 501, "b"), (1900, 2000, "c"), (2000, 2500, "e")]


@pytest.mark.parametrize("text", ["<ANNOTATION>", "a & b", "quote \" and '", "\x0b\x00control\ufffe", "tab\tand line"])
def test_what_is_said_stays_text(text: str) -> None:
    (said,) = intervals(document(msgspec.structs.replace(utterance(0, 1), text=text)), "utterances")
    assert said[2] == text.replace("\x0b", "").replace("\x00", "").replace("\ufffe", "")
