"""The published contracts: what is committed is what the code says, and a version with readers only grows."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from schemas import publishing
from schemas.analysis import Analysis
from schemas.events import EVENTS
from schemas.publishing import FOLDER, BreakingChange, Schema, breaking_changes, documents, publish
from schemas.topics import EVENT_TOPICS

STRUCTS: dict[str, type[msgspec.Struct]] = {**EVENTS, "analysis.v1": Analysis}
#: Written by hand when the version was published, and never changed: what a program out there may have stored or may send.
EXAMPLES = FOLDER / "examples"
VERSIONS = sorted(STRUCTS)


def committed(name: str) -> Any:
    file = FOLDER / f"{name}.json"
    assert file.exists(), "run `python -m schemas.publishing` and commit what it writes"
    return json.loads(file.read_text())


def example(name: str) -> bytes:
    file = EXAMPLES / f"{name}.json"
    assert file.exists(), f"write an example of {name} by hand, every field in it, into schemas/published/examples/{name}.json"
    return file.read_bytes()


def test_what_is_committed_is_what_the_code_says() -> None:
    files = {file.name: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
    assert files == documents(), "run `python -m schemas.publishing` and commit what it writes"


def test_every_version_has_its_example_and_no_example_is_without_a_version() -> None:
    examples = {file.stem for file in EXAMPLES.iterdir()}
    assert examples - set(VERSIONS) == set(), "a released version stays in EVENTS; the example of one that never was released goes with it"
    assert set(VERSIONS) - examples == set(), "write an example of each by hand, every field in it, into schemas/published/examples/"


@pytest.mark.parametrize("name", VERSIONS)
def test_a_stored_example_still_decodes_and_loses_nothing(name: str) -> None:
    decoded = msgspec.json.decode(example(name), type=STRUCTS[name])
    again = json.loads(msgspec.json.encode(decoded))
    stored = json.loads(example(name))
    assert missing(stored, again) == []


def missing(stored: Any, again: Any, where: str = "") -> list[str]:
    """Every place of `stored` that `again` does not have, or has otherwise; what is null may be left out."""
    if isinstance(stored, dict) and isinstance(again, dict):
        return [found for name, value in stored.items() for found in missing(value, again.get(name), f"{where}/{name}")]
    if isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        return [found for n, (left, right) in enumerate(zip(stored, again, strict=True)) for found in missing(left, right, f"{where}/{n}")]
    return [] if stored == again else [where]


@pytest.mark.parametrize("name", VERSIONS)
def test_a_stored_example_keeps_to_the_published_schema(name: str) -> None:
    schema = committed(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(example(name)), schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", VERSIONS)
def test_the_published_schema_refuses_what_the_code_refuses(name: str) -> None:
    schema = committed(name)
    for field in schema["required"]:
        without = {key: value for key, value in json.loads(example(name)).items() if key != field}
        assert not jsonschema.Draft202012Validator(schema).is_valid(without)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(without, STRUCTS[name])


def objects(schema: Schema) -> list[tuple[str, Schema]]:
    """Every object within a schema: itself and its definitions."""
    return [("", schema), *((f"/$defs/{name}", part) for name, part in schema["$defs"].items() if "properties" in part)]


@pytest.mark.parametrize("name", VERSIONS)
def test_taking_any_field_away_is_refused(name: str) -> None:
    old = committed(name)
    for place, part in objects(old):
        for field in part["properties"]:
            new = copy.deepcopy(old)
            target = dict(objects(new))[place]
            del target["properties"][field]
            target["required"] = [kept for kept in target.get("required", []) if kept != field]
            assert f"{place}/properties/{field} would be gone" in breaking_changes(old, new)


@pytest.mark.parametrize("name", VERSIONS)
def test_a_new_field_that_must_be_there_is_refused_and_one_that_may_be_there_is_not(name: str) -> None:
    old = committed(name)
    for place, _ in objects(old):
        new = copy.deepcopy(old)
        target = dict(objects(new))[place]
        target["properties"]["new"] = {"type": "string"}
        assert breaking_changes(old, new) == []
        target["required"] = [*target.get("required", []), "new"]
        assert any("'new'" in change for change in breaking_changes(old, new))


@pytest.mark.parametrize("name", VERSIONS)
def test_changing_the_type_of_any_field_is_refused(name: str) -> None:
    old = committed(name)
    for place, part in objects(old):
        for field in part["properties"]:
            new = copy.deepcopy(old)
            dict(objects(new))[place]["properties"][field] = {"type": "boolean", "enum": [True]}
            assert breaking_changes(old, new), f"{name}{place}/{field}"


@pytest.mark.parametrize("name", VERSIONS)
def test_a_field_that_is_no_longer_required_is_refused_since_readers_count_on_it(name: str) -> None:
    old = committed(name)
    for place, part in objects(old):
        for field in part.get("required", ()):
            new = copy.deepcopy(old)
            dict(objects(new))[place]["required"].remove(field)
            assert any("no longer name" in change for change in breaking_changes(old, new))


def change_limit(schema: Schema) -> None:
    schema["properties"]["attempt"]["maximum"] = 5


def drop_limit(schema: Schema) -> None:
    del schema["properties"]["attempt"]["minimum"]


def add_value(schema: Schema) -> None:
    schema["$defs"]["Status"]["enum"].append("lost")


def drop_value(schema: Schema) -> None:
    schema["$defs"]["Status"]["enum"].pop()


def add_pattern(schema: Schema) -> None:
    schema["$defs"]["Failure"]["properties"]["code"]["pattern"] = "^[a-z]+$"


def drop_definition(schema: Schema) -> None:
    del schema["$defs"]["Failure"]


@pytest.mark.parametrize("change", [change_limit, drop_limit, add_value, drop_value, add_pattern, drop_definition])
def test_other_limits_and_other_values_are_refused(change: Callable[[Schema], None]) -> None:
    old = committed("upload.status.v1")
    new = copy.deepcopy(old)
    change(new)
    assert breaking_changes(old, new)


def test_other_words_are_no_change() -> None:
    old = committed("upload.status.v1")
    new = copy.deepcopy(old)
    new["description"] = "Put better."
    new["$defs"]["Failure"]["description"] = "Also put better."
    assert breaking_changes(old, new) == []


def test_publishing_a_breaking_change_fails_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert publish(tmp_path)
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    made = documents()
    del made["upload.received.v1.json"]["properties"]["source"]
    made["upload.status.v1.json"]["description"] = "Put better."
    monkeypatch.setattr(publishing, "documents", lambda: made)
    with pytest.raises(BreakingChange, match=r"upload\.received\.v1\.json: /properties/source would be gone"):
        publish(tmp_path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    assert sorted(publish(tmp_path)) == sorted(documents())
    assert publish(tmp_path) == []


def test_the_asyncapi_document_names_every_topic_with_its_message_and_its_retention() -> None:
    document = committed("asyncapi")
    assert set(document["channels"]) == {topic.name for topic in EVENT_TOPICS}
    for topic in EVENT_TOPICS:
        assert topic.event is not None
        channel = document["channels"][topic.name]
        assert list(channel["messages"]) == [topic.event.TYPE]
        kafka = channel["bindings"]["kafka"]
        assert kafka["partitions"] == 6
        assert kafka["topicConfiguration"]["retention.ms"] == 7 * 86_400_000
    writable = [name for name, operation in document["operations"].items() if operation["action"] == "receive"]
    assert writable == ["write-uploads.received.v1"]
