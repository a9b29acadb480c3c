"""Every word that people read on the page is in text.js and its two companions: a translation is these files again."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api import pages

SCRIPTS = [path for path in sorted(pages.FOLDER.rglob("*.js")) if not path.name.startswith("text")]
#: What is not translated: what is said in the sample, names of browsers, and commands.
_NO_WORDS = {"example.js", "browsers.js", "curl.js"}
#: Names of headers, keys, digests and modes that look like words and are read by nobody.
_NAMES = re.compile(
    r"(Accept|Arrow(Left|Right|Up|Down)|Authorization|Content-(Digest|MD5|Type)|End|Enter|Escape|Files|GET|Home|PageDown|PageUp|SHA-256|Tab)"
    r"|Valence-Request|https://"
)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", re.DOTALL)
_LITERAL = r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`"
#: What is no text: what a module imports, classes, and how a picture is drawn.
_MARKS = re.compile(rf"(?:from|import|class:|className =|viewBox:|preserveAspectRatio:|\bd:|transform:)\s*(?:{_LITERAL})")
#: Where a literal is read whatever it looks like: as a child after the attributes, as a text, as a name for screen readers.
_READ = re.compile(
    r"(?:\},|textContent =|announce\(|entitle\(|say\(\w+,|Error\(|alt:|label:|placeholder:|title:|\"aria-(?:label|description)\":)"
    rf"\s*(?:{_LITERAL})"
)


def literals(pattern: str | re.Pattern[str], source: str) -> list[str]:
    """The texts of literals, without what is put into them."""
    found = ["".join(match.groups(default="")) for match in re.finditer(pattern, source)]
    return [re.sub(r"\$\{[^}]*\}", "", text) for text in found]


def read_by_people(source: str) -> list[str]:
    """The literals of a script that somebody would read."""
    code = _MARKS.sub("", _COMMENT.sub("", source))
    shown = [text for text in literals(_READ, code) if re.search(r"[^\W\d_]", text)]
    alike = [text for text in literals(_LITERAL, code) if re.match(r"[A-Z][a-z]", text) or re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", text)]
    return [text for text in {*shown, *alike} if not _NAMES.fullmatch(text)]


class Words(HTMLParser):
    """The words of a document beside those that are shown where no script runs, and those about the document."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.open.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("aria-label", "alt", "title", "placeholder")]

    def handle_endtag(self, tag: str) -> None:
        self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"noscript", "title"} & set(self.open):
            self.found.append(data)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_no_words_that_people_read(path: Path) -> None:
    if path.name not in _NO_WORDS:
        assert read_by_people(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted(pages.FOLDER.rglob("*.html")), ids=lambda path: path.name)
def test_a_document_has_words_only_for_whoever_runs_no_scripts(path: Path) -> None:
    words = Words()
    words.feed(path.read_text(encoding="utf-8"))
    assert words.found == []


@pytest.mark.parametrize(
    "line",
    [
        'h("p", { class: "small quiet" }, "found");',
        'h("button", {}, icon("play"), "Play on");',
        'announce("gone");',
        "state.textContent = `${name} gone`;",
        'const said = "It stopped";',
        'h("img", { alt: "a picture" });',
        'throw new Error("wrong");',
    ],
)
def test_words_in_a_script_are_found(line: str) -> None:
    assert len(read_by_people(line)) == 1
