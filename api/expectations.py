"""What a field takes, in words for whoever has sent something else: its few values, or an example of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

Json = dict[str, Any]


def expected(message: str, type_: Any) -> str:
    """What msgspec says of a wrong value; of one that is none of a few, or fits no pattern, what would have been right."""
    if message.startswith("Invalid enum value") and (values := _find("enum", type_)):
        return f"expected one of {', '.join(str(value) for value in values if value is not None)}"
    if message.startswith("Expected `str` matching regex") and (examples := _find("examples", type_)):
        return f"expected one such as {examples[0]}"
    return message


def type_at(struct: type[msgspec.Struct], path: Sequence[str]) -> Any:
    """The type of the field at a path within a struct; None where the path leads to none."""
    type_: Any = struct
    for name in path:
        if not (isinstance(type_, type) and issubclass(type_, msgspec.Struct)):
            return None
        type_ = next((field.type for field in msgspec.structs.fields(type_) if field.encode_name == name.partition("[")[0]), None)
    return type_


def _find(keyword: str, type_: Any) -> list[object]:
    """What the JSON Schema of a type has under a keyword, also where the type is one of several, or a list of it."""
    (schema,), components = msgspec.json.schema_components((type_,), ref_template="{name}")
    return _within(keyword, schema, components)


def _within(keyword: str, schema: Json, components: Json) -> list[object]:
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    if "$ref" in schema:
        parts.append(components[schema["$ref"]])
    return [*schema.get(keyword, ()), *(value for part in parts for value in _within(keyword, part, components))]
