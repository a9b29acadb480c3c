"""`valence model compare`: what would change, or has changed, where one version takes the place of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from cli.comparison import Compared, both_archives, by_archive, by_model
from cli.consoles import output, plain_table
from cli.exits import Exit, Misused
from cli.kept_analyses import KeptAnalysis, read_kept
from cli.wording import clock, printable
from cli.wording import score as worded
from model import text
from model.errors import WeightsUnreadable
from model.text import WEIGHTS_FILE, TextModel
from model.text_tokens import Turn, turns
from model.training.text.data import DataError, read_lines
from schemas.analysis import EMOTIONS, SENTIMENTS

#: The analyses of an archive, by which a version that is gone still speaks.
Archive = list[KeptAnalysis]


@click.command()
@click.argument("a", type=click.Path(exists=True, path_type=Path))
@click.argument("b", type=click.Path(exists=True, path_type=Path))
@click.argument("dataset", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--show", type=click.IntRange(min=0), default=20, help="How many utterances to show, the surest first (default: 20).")
def compare(a: Path, b: Path, dataset: Path | None, show: int) -> Exit:
    """Show where two versions disagree, A before and B after.

    Each is the folder of a text model or an archive: a folder of analyses as
    the API gives them (.json), or a file as `valence analyse --json` writes
    it (.jsonl). Two text models read DATASET, which is an archive or a csv
    file in MELD's form.

    \b
      valence model compare kept again          the same videos, then and now
      valence model compare kept MODEL          what a model says of kept words
      valence model compare OLD NEW kept        what two models say of them
      valence model compare OLD NEW lines.csv   and which is right
    """
    try:
        before, after = _side(a), _side(b)
        compared = _compared(before, after, dataset)
    except (WeightsUnreadable, DataError) as error:
        raise Misused(str(error)) from error
    if not compared:
        raise Misused(f"{dataset} holds no utterances" if dataset else f"{a} and {b} hold no utterances of the same videos")
    click.echo(f"A is {_named(before, a)}.\nB is {_named(after, b)}.")
    _say_how_far(compared)
    click.echo()
    _count(compared)
    _show([one for one in compared if one.before.emotion != one.after.emotion][:show])
    return Exit.COMPLETED


def _side(path: Path) -> TextModel | Archive:
    if (path / WEIGHTS_FILE).exists():
        return text.load(path)
    archive = read_kept(path)
    if not archive:
        raise Misused(f"{path} holds neither a text model ({WEIGHTS_FILE}) nor analyses (.json, .jsonl)")
    return archive


def _named(side: TextModel | Archive, path: Path) -> str:
    if isinstance(side, TextModel):
        return f"{side.ref.name} ({side.ref.sha256[:8]})"
    made_by = sorted({f"{ref.role} by {ref.name} ({ref.sha256[:8]})" for analysis in side for ref in analysis.models})
    return printable(": ".join([f"{path}, {len(side)} analyses", *([", ".join(made_by)] if made_by else [])]))


def _compared(before: TextModel | Archive, after: TextModel | Archive, dataset: Path | None) -> list[Compared]:
    """What both say of the same utterances, the surest of both first."""
    if isinstance(before, TextModel) and isinstance(after, TextModel):
        if dataset is None:
            raise Misused("A and B are text models: name what they shall read, an archive or a csv file in MELD's form")
        compared = _both_read(before, after, dataset)
    elif dataset is not None:
        raise Misused(f"{dataset} is one too many: an archive is compared by its own words")
    elif isinstance(before, TextModel):
        assert not isinstance(after, TextModel)
        compared = [one._replace(before=one.after, after=one.before) for one in _read_again(after, before)]
    elif isinstance(after, TextModel):
        compared = _read_again(before, after)
    else:
        compared = both_archives(before, after)
    return sorted(compared, key=lambda one: -min(one.before.probability, one.after.probability))


def _both_read(before: TextModel, after: TextModel, dataset: Path) -> list[Compared]:
    if dataset.suffix == ".csv":
        lines = read_lines(dataset)
        said = [Turn(line.text, line.before) for line in lines]
        pairs = zip(lines, by_model(before, said), by_model(after, said), strict=True)
        return [Compared("", 0.0, line.text, EMOTIONS[line.emotion], old, new) for line, old, new in pairs]
    compared = []
    for analysis in read_kept(dataset):
        said = turns([utterance.text for utterance in analysis.utterances])
        for utterance, old, new in zip(analysis.utterances, by_model(before, said), by_model(after, said), strict=True):
            compared.append(Compared(analysis.name, utterance.start, utterance.text, None, old, new))
    return compared


def _read_again(archive: Archive, model: TextModel) -> list[Compared]:
    compared = []
    for analysis in archive:
        said = by_model(model, turns([utterance.text for utterance in analysis.utterances]))
        for utterance, old, new in zip(analysis.utterances, by_archive(analysis), said, strict=True):
            compared.append(Compared(analysis.name, utterance.start, utterance.text, None, old, new))
    return compared


def _say_how_far(compared: Sequence[Compared]) -> None:
    """How often they agree, and where there are labels which of them is right where they do not."""
    differing = [one for one in compared if one.before.emotion != one.after.emotion]
    sentiments = sum(one.before.sentiment == one.after.sentiment for one in compared)
    click.echo(f"They disagree on the emotion of {len(differing)} of {len(compared)} utterances.")
    shares = (100 * count / len(compared) for count in (len(compared) - len(differing), sentiments))
    click.echo("They agree on {:.1f} % of the emotions and {:.1f} % of the sentiments.".format(*shares))
    if any(one.label for one in compared):
        old, new = (sum(getattr(one, side).emotion == one.label for one in differing) for side in ("before", "after"))
        click.echo(f"Where they disagree, A is right on {old} and B on {new}.")


def _count(compared: Sequence[Compared]) -> None:
    """How often each says each class, and what becomes of what."""
    table = plain_table("", "A", "B", "both")
    for head, names in (("emotion", EMOTIONS), ("sentiment", SENTIMENTS)):
        said = Counter((getattr(one.before, head), getattr(one.after, head)) for one in compared)
        for name in names:
            old = sum(count for (before, _), count in said.items() if before == name)
            new = sum(count for (_, after), count in said.items() if after == name)
            table.add_row(f"{head} {name}", str(old), str(new), str(said[name, name]))
    output().print(table)
    click.echo()
    changes = Counter((one.before.emotion, one.after.emotion) for one in compared if one.before.emotion != one.after.emotion)
    for (old_name, new_name), count in changes.most_common():
        click.echo(f"  {count} x {old_name} becomes {new_name}")


def _show(differing: Sequence[Compared]) -> None:
    if not differing:
        return
    table = plain_table("A", "B", "label" if any(one.label for one in differing) else "where", "words")
    for one in differing:
        where = one.label or f"{printable(one.name)} {clock(one.start)}"
        old, new = (worded(said.emotion, said.probability) for said in (one.before, one.after))
        table.add_row(old, new, where, printable(one.words))
    output().print(table)
