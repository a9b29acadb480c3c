"""The data sets of the text model: read as they were published, and refused in words where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.training.__main__ import main
from model.training.text.data import DATA_VARIABLE, DataInvalid, DataMissing, Line, data_folder, read_goemotions, read_lines, read_meld
from model.training.text.forms import FORMS
from schemas.analysis import EMOTIONS, SENTIMENTS

_HEADINGS = "Utterance,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(
        _HEADINGS + "Second,joy,positive,7,1\nFirst,neutral,neutral,7,0\nElsewhere,anger,negative,8,0\nThird,fear,negative,7,2\n",
        encoding="utf-8",
    )
    return path


def test_what_was_said_before_comes_from_the_same_dialogue_in_its_order_and_the_file_keeps_its_own(lines: Path) -> None:
    read = read_lines(lines)

    assert [line.text for line in read] == ["Second", "First", "Elsewhere", "Third"]
    assert [line.before for line in read] == [("First",), (), (), ("First", "Second")]
    assert (EMOTIONS[read[0].emotion], SENTIMENTS[read[0].sentiment]) == ("joy", "positive")


def test_misread_punctuation_of_the_published_files_is_put_right(lines: Path) -> None:
    lines.write_text(_HEADINGS + "It\x92s fine\x85,neutral,neutral,0,0\n", encoding="utf-8")

    assert read_lines(lines)[0].text == "It’s fine…"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Utterance,Emotion\nHi,joy\n", "without Sentiment, Dialogue_ID, Utterance_ID"),
        (_HEADINGS + "Hi,bliss,positive,0,0\n", "bliss"),
        (_HEADINGS + "Hi,joy,good,0,0\n", "good"),
        (_HEADINGS + "Hi,joy,positive,0,first\n", "first"),
        (_HEADINGS + "Hi,joy\n", "without Sentiment"),
        (_HEADINGS, "no utterances"),
        ("", "no utterances"),
    ],
)
def test_a_file_in_another_form_is_refused_with_the_row_and_the_form_that_is_expected(lines: Path, content: str, words: str) -> None:
    lines.write_text(content, encoding="utf-8")

    with pytest.raises(DataInvalid, match=rf"(?s)lines\.csv is not in MELD's form.*{words}.*Dialogue_ID and Utterance_ID.*surprise"):
        read_lines(lines)


def test_a_file_that_is_no_text_is_refused(lines: Path) -> None:
    lines.write_bytes(b"\xff\xfe\x00PK")

    with pytest.raises(DataInvalid, match="not in MELD's form"):
        read_lines(lines)


def test_a_comment_keeps_its_finer_labels_and_leans_only_where_they_agree(tmp_path: Path) -> None:
    folder = tmp_path / "goemotions"
    folder.mkdir()
    (folder / "data_ekman_labels.txt").write_text("\n".join(EMOTIONS), encoding="utf-8")
    (folder / "data_original_labels.txt").write_text("joy\nannoyance\nconfusion\nlove\n", encoding="utf-8")
    (folder / "data_ekman_train.tsv").write_text("lovely\t3\ta1\nwhat\t6\ta2\nboth\t0,3\ta3\n", encoding="utf-8")
    (folder / "data_original_train.tsv").write_text("lovely\t0,3\ta1\nwhat\t2\ta2\nboth\t0,1\ta3\n", encoding="utf-8")

    lovely, what, both = read_goemotions(tmp_path)

    assert (lovely.labels, lovely.groups, lovely.leaning) == ((0, 3), (EMOTIONS.index("joy"),), SENTIMENTS.index("positive"))
    assert what.leaning is None
    assert both.leaning is None
    assert both.groups == (EMOTIONS.index("anger"), EMOTIONS.index("joy"))


def test_the_forms_change_the_utterance_and_what_was_before_it_alike() -> None:
    line = Line("Oh, NO!", ("It’s 9.",), 0, 0)

    assert {name: (form(line).text, form(line).before) for name, form in FORMS.items()} == {
        "as written": ("Oh, NO!", ("It’s 9.",)),
        "as recognised": ("oh no", ("it's 9",)),
        "as written, alone": ("Oh, NO!", ()),
    }


def test_a_missing_file_is_named_with_the_place_where_it_is_published(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"train_sent_emo\.csv is missing.*declare-lab/MELD"):
        read_meld(tmp_path, "train")


@pytest.mark.parametrize("command", [["train", "text"], ["score"]])
def test_without_the_data_the_command_says_where_it_is_published_and_exits_2(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)

    assert main(command) == 2
    assert "github.com/declare-lab/MELD" in capsys.readouterr().err


def test_the_data_folder_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "")

    with pytest.raises(DataMissing):
        data_folder()
