"""The published contracts: JSON Schema for every event version and an AsyncAPI document, made from the structs.

`python -m schemas.publishing` writes them; a test compares them with what is committed. A version that has readers may only grow: a
change that an old reader, or an old writer, would trip over is refused, and needs a new version of the event beside the old one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from schemas.analysis import Analysis
from schemas.envelope import CONTENT_TYPE, SPEC_VERSION
from schemas.events import EVENTS
from schemas.topics import EVENT_TOPICS, Topic

FOLDER = Path(__file__).parent / "published"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Topics that programs outside Valence write to; the others are written by Valence alone.
_WRITABLE = frozenset({"uploads.received.v1"})

Schema = dict[str, Any]


class BreakingChange(Exception):
    """A published version would change in a way that its readers or writers do not expect; the message lists each change."""


def documents() -> dict[str, Schema]:
    """Every published file by its name."""
    files = {f"{name}.json": _json_schema(event, name) for name, event in EVENTS.items()}
    files["analysis.v1.json"] = _json_schema(Analysis, "analysis.v1")
    files["asyncapi.json"] = asyncapi()
    return {name: json.loads(json.dumps(document)) for name, document in files.items()}  # as it is read back: lists, not tuples


def _json_schema(struct: type[msgspec.Struct], name: str) -> Schema:
    (schema,), components = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    definitions = dict(components)
    top = definitions.pop(schema["$ref"].rpartition("/")[2])
    return {"$schema": DIALECT, "$id": f"https://valence.dev/schemas/{name}.json", **top, "$defs": definitions}


def asyncapi() -> Schema:
    """The topics as an AsyncAPI 3.0 document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Valence",
            "version": "1",
            "description": "Topics of Valence. Delivery is at least once: readers drop repeats by the header ce_id.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in EVENT_TOPICS},
        "operations": dict(_operations()),
        "components": {"messages": {name: _message(name) for name in EVENTS}},
    }


def _channel(topic: Topic) -> Schema:
    assert topic.event is not None
    return {
        "address": topic.name,
        "description": topic.summary,
        "messages": {topic.event.TYPE: {"$ref": f"#/components/messages/{topic.event.TYPE}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.cleanup.value.split(","),
                    "retention.ms": int(topic.config["retention.ms"]),
                },
            }
        },
    }


def _operations() -> Iterator[tuple[str, Schema]]:
    for topic in EVENT_TOPICS:
        channel = {"$ref": f"#/channels/{topic.name}"}
        yield f"read-{topic.name}", {"action": "send", "channel": channel, "summary": f"Valence publishes. {topic.summary}"}
        if topic.name in _WRITABLE:
            yield f"write-{topic.name}", {"action": "receive", "channel": channel, "summary": f"Anybody may publish. {topic.summary}"}


def _message(name: str) -> Schema:
    required = ("ce_specversion", "ce_id", "ce_type", "ce_source")
    headers: Schema = {header: {"type": "string"} for header in (*required, "ce_time", "content-type", "traceparent")}
    headers["ce_specversion"]["const"] = SPEC_VERSION
    headers["ce_type"]["const"] = name
    return {
        "name": name,
        "title": EVENTS[name].__name__,
        "summary": (EVENTS[name].__doc__ or "").strip().splitlines()[0],
        "headers": {"type": "object", "properties": headers, "required": list(required)},
        "payload": {"schemaFormat": f"application/schema+json;version={DIALECT}", "schema": {"$ref": f"./{name}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid", "description": "The upload id."}}},
    }


def breaking_changes(old: Any, new: Any, where: str = "") -> list[str]:
    """What in `new` would surprise somebody who holds to `old`: each as a sentence that names the place."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [*_object_changes(old, new, where), *_nested_changes(old, new, where)]
    return [] if old == new else [f"{where} was {json.dumps(old)} and would be {json.dumps(new)}"]


#: Words that describe and do not bind anybody.
_PROSE = frozenset({"title", "description", "default"})


def _object_changes(old: Schema, new: Schema, where: str) -> Iterator[str]:
    properties = new.get("properties", {})
    for name in old.get("properties", {}):
        if name not in properties:
            yield f"{where}/properties/{name} would be gone"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{where}/required would name {name!r}, which writers do not send yet"
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{where}/required would no longer name {name!r}, which readers count on"


def _nested_changes(old: Schema, new: Schema, where: str) -> Iterator[str]:
    grows = where.endswith(("/properties", "/$defs"))
    for name, value in old.items():
        if (name in _PROSE and not grows) or name == "required":
            continue
        if name not in new:
            if not where.endswith("/properties"):
                yield f"{where}/{name} would be gone"
            continue
        yield from breaking_changes(value, new[name], f"{where}/{name}")
    for name in new:
        if name not in old and not grows and name not in _PROSE and name not in ("required", "properties"):
            yield f"{where}/{name} would be new"


def publish(folder: Path = FOLDER) -> list[str]:
    """Write the documents into `folder` and return the names of those that changed; BreakingChange, and nothing written, if one may not."""
    changed, refused = [], []
    made = documents()
    for name, document in made.items():
        file = folder / name
        published = json.loads(file.read_text()) if file.exists() else None
        if published == document:
            continue
        changed.append(name)
        if published is not None and name != "asyncapi.json":
            refused += [f"{name}: {change}" for change in breaking_changes(published, document)]
    if refused:
        raise BreakingChange("\n".join(["a published version would break; add a new version of the event instead:", *refused]))
    for name in changed:
        (folder / name).write_text(json.dumps(made[name], indent=2, ensure_ascii=False) + "\n")
    return changed


if __name__ == "__main__":
    try:
        print("\n".join(publish()) or "nothing has changed")
    except BreakingChange as change:
        raise SystemExit(str(change)) from change
