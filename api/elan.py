"""An analysis as an annotation document of ELAN (EAF 3.0): tiers for what is said, word by word, and for what is felt in it.

Source: "EAF Annotation Format 3.0", The Language Archive, https://www.mpi.nl/tools/elan/EAFv3.0.xsd.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, Utterance

MEDIA_TYPE = "text/x-eaf+xml"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
#: What XML 1.0 cannot hold, escaped or not.
_IMPOSSIBLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])
_UNKNOWN_LANGUAGE = "und"
_VOCABULARIES = {"emotions": EMOTIONS, "sentiments": SENTIMENTS}
_STEREOTYPES = {
    "Time_Subdivision": "Parts of the annotation above it, without gaps",
    "Symbolic_Subdivision": "Parts of the annotation above it, in order and without times",
    "Symbolic_Association": "One value for the annotation above it",
    "Included_In": "Within the time of the annotation above it, with gaps",
}


class Video(NamedTuple):
    """The file that an analysis is about: its name, its media type, and when the analysis came."""

    name: str
    media_type: str
    analysed_at: datetime


def eaf(analysis: Analysis, video: Video) -> bytes:
    """The document; ELAN looks for the video beside it."""
    return _Document(analysis, video).written()


class _Document:
    """Numbers time slots and annotations as they are added."""

    def __init__(self, analysis: Analysis, video: Video) -> None:
        self._slots: list[int] = []
        self._annotations = 0
        self._times = ElementTree.Element("TIME_ORDER")
        tiers = self._tiers(analysis)
        for number, time in enumerate(self._slots, 1):
            ElementTree.SubElement(self._times, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))
        self._root = ElementTree.Element(
            "ANNOTATION_DOCUMENT",
            {
                "AUTHOR": f"Valence, profile {_clean(analysis.profile)}",
                "DATE": video.analysed_at.isoformat(timespec="seconds"),
                "FORMAT": "3.0",
                "VERSION": "3.0",
                "xmlns:xsi": _INSTANCE,
                "xsi:noNamespaceSchemaLocation": _SCHEMA,
            },
        )
        self._root.append(self._header(video))
        self._root.append(self._times)
        self._root.extend(tiers)
        self._root.extend(_types())

    def written(self) -> bytes:
        """The document as bytes."""
        ElementTree.indent(self._root)
        written: bytes = ElementTree.tostring(self._root, encoding="UTF-8", xml_declaration=True)
        return written

    def _header(self, video: Video) -> ElementTree.Element:
        header = ElementTree.Element("HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        address = quote(_clean(video.name).replace("/", "_").replace("\\", "_"))
        descriptor = {"MEDIA_URL": f"file:///{address}", "MIME_TYPE": video.media_type, "RELATIVE_MEDIA_URL": f"./{address}"}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", descriptor)
        ElementTree.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(self._annotations)
        return header

    def _tiers(self, analysis: Analysis) -> list[ElementTree.Element]:
        said = _tier("utterances", "utterance")
        words = _tier("words", "word", parent="utterances")
        felt = {name: _tier(name, name, parent="utterances") for name in ("emotion", "sentiment", "certainty")}
        before = 0
        for utterance in analysis.utterances:
            start, before = _apart(utterance.start, utterance.end, before)
            parent = self._aligned(said, start, before, utterance.text)
            self._words(words, utterance, start, before)
            self._about(felt["emotion"], parent, utterance.scores.emotion, "emotions")
            self._about(felt["sentiment"], parent, utterance.scores.sentiment, "sentiments")
            if utterance.uncertain:
                self._about(felt["certainty"], parent, "uncertain")
        return [said, words, *felt.values()]

    def _words(self, tier: ElementTree.Element, utterance: Utterance, start: int, end: int) -> None:
        """Words lie within their utterance and do not overlap, as the tier's type wants it; one for which no time is left is left out."""
        before = start
        for word in utterance.words:
            first, last = _apart(word.start, word.end, before)
            if last > end:
                first, last = min(first, end - 1), end
            if first >= before:
                self._aligned(tier, first, last, word.text)
                before = last

    def _aligned(self, tier: ElementTree.Element, start: int, end: int, text: str) -> str:
        self._slots += [start, end]
        number = len(self._slots)
        return self._annotation(tier, "ALIGNABLE_ANNOTATION", text, TIME_SLOT_REF1=f"ts{number - 1}", TIME_SLOT_REF2=f"ts{number}")

    def _about(self, tier: ElementTree.Element, parent: str, value: str, vocabulary: str | None = None) -> None:
        entry = {"CVE_REF": f"{vocabulary}-{value}"} if vocabulary else {}
        self._annotation(tier, "REF_ANNOTATION", value, ANNOTATION_REF=parent, **entry)

    def _annotation(self, tier: ElementTree.Element, kind: str, text: str, **attributes: str) -> str:
        self._annotations += 1
        annotation_id = f"a{self._annotations}"
        annotation = ElementTree.SubElement(
            ElementTree.SubElement(tier, "ANNOTATION"), kind, {"ANNOTATION_ID": annotation_id, **attributes}
        )
        ElementTree.SubElement(annotation, "ANNOTATION_VALUE").text = _clean(text)
        return annotation_id


def _tier(name: str, kind: str, parent: str | None = None) -> ElementTree.Element:
    above = {"PARENT_REF": parent} if parent else {}
    return ElementTree.Element("TIER", {"TIER_ID": name, "LINGUISTIC_TYPE_REF": kind, **above})


def _types() -> Iterable[ElementTree.Element]:
    """What kinds of tiers there are, and the values that some of them take; in the order of the schema."""
    yield _type("utterance", "true")
    yield _type("word", "true", CONSTRAINTS="Included_In")
    yield _type("emotion", "false", CONSTRAINTS="Symbolic_Association", CONTROLLED_VOCABULARY_REF="emotions")
    yield _type("sentiment", "false", CONSTRAINTS="Symbolic_Association", CONTROLLED_VOCABULARY_REF="sentiments")
    yield _type("certainty", "false", CONSTRAINTS="Symbolic_Association")
    yield ElementTree.Element("LANGUAGE", LANG_ID=_UNKNOWN_LANGUAGE, LANG_LABEL="undetermined (und)")
    for stereotype, description in _STEREOTYPES.items():
        yield ElementTree.Element("CONSTRAINT", STEREOTYPE=stereotype, DESCRIPTION=description)
    for name, values in _VOCABULARIES.items():
        yield _vocabulary(name, values)


def _type(name: str, alignable: str, **more: str) -> ElementTree.Element:
    return ElementTree.Element(
        "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": alignable, "GRAPHIC_REFERENCES": "false", **more}
    )


def _vocabulary(name: str, values: Sequence[str]) -> ElementTree.Element:
    vocabulary = ElementTree.Element("CONTROLLED_VOCABULARY", CV_ID=name)
    ElementTree.SubElement(vocabulary, "DESCRIPTION", LANG_REF=_UNKNOWN_LANGUAGE).text = f"The {name} that Valence tells apart"
    for value in values:
        entry = ElementTree.SubElement(vocabulary, "CV_ENTRY_ML", CVE_ID=f"{name}-{value}")
        ElementTree.SubElement(entry, "CVE_VALUE", LANG_REF=_UNKNOWN_LANGUAGE).text = value
    return vocabulary


def _apart(start: float, end: float, before: int) -> tuple[int, int]:
    """An interval in milliseconds that begins no sooner than the one before it has ended, and has a length."""
    first = max(round(start * 1_000), before)
    return first, max(round(end * 1_000), first + 1)


def _clean(text: str) -> str:
    return text.translate(_IMPOSSIBLE)
