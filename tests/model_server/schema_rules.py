"""The subset of JSON Schema that OpenAI's strict structured outputs take, as of 2026.

Where the public rules leave room (what counts as a level of nesting, whether an enumeration may
go without a type), the narrower reading is taken: a schema that passes here passes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

ALLOWED_KEYWORDS = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "$ref", "$defs", "description", "title", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "pattern", "format", "minItems", "maxItems",
})  # fmt: skip
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip
MAX_LEVELS = 10
MAX_PROPERTIES = 5_000
MAX_ENUM_VALUES = 1_000
MAX_NAME_CHARS = 120_000
LARGE_ENUM = 250
MAX_LARGE_ENUM_CHARS = 15_000

Path = tuple[str, ...]
Schema = dict[str, Any]

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,),
    "object": (dict,), "array": (list,), "null": (type(None),),
}  # fmt: skip


class SchemaError(ValueError):
    """What the service would refuse, with the place in the schema."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"In context={path!r}, {message}")


def strict_problem(schema: object) -> str | None:
    """Why a strict schema would be refused, in the service's words, or None if it is good."""
    try:
        _check_root(schema)
    except SchemaError as problem:
        return str(problem)
    return None


def _check_root(schema: object) -> None:
    if not isinstance(schema, dict):
        raise SchemaError((), "schema must be a JSON object.")
    root = {key: value for key, value in schema.items() if key != "$schema"}
    if "anyOf" in root:
        raise SchemaError((), "'anyOf' is not permitted at the root.")
    if root.get("type") != "object":
        got = root.get("type")
        raise SchemaError((), f"schema must have type 'object', got 'type: {got!r}'.")
    nodes = list(_nodes(root, ()))
    for path, node in nodes:
        _check_node(path, node, root)
    _check_sizes([node for _, node in nodes], root)


def _nodes(node: object, path: Path) -> Iterator[tuple[Path, Schema]]:
    """Every schema inside a schema, itself first, with its place."""
    if not isinstance(node, dict):
        raise SchemaError(path, "schema must be an object.")
    yield path, node
    for keyword in ("properties", "$defs"):
        group = node.get(keyword, {})
        if not isinstance(group, dict):
            raise SchemaError(path, f"{keyword!r} must be an object.")
        for name, child in group.items():
            yield from _nodes(child, (*path, keyword, name))
    if "items" in node:
        yield from _nodes(node["items"], (*path, "items"))
    branches = node.get("anyOf", [])
    if not isinstance(branches, list) or ("anyOf" in node and not branches):
        raise SchemaError(path, "'anyOf' must be a non-empty array.")
    for number, child in enumerate(branches):
        yield from _nodes(child, (*path, "anyOf", str(number)))


def _check_node(path: Path, node: Schema, root: Schema) -> None:
    for keyword in node:
        if keyword not in ALLOWED_KEYWORDS:
            raise SchemaError(path, f"'{keyword}' is not permitted.")
    if "$ref" in node:
        _check_reference(path, node, root)
        return
    if "anyOf" in node:
        _check_branches(path, node["anyOf"], root)
    elif "type" not in node:
        raise SchemaError(path, "schema must have a 'type' key.")
    types = _types(path, node)
    if "object" in types or "properties" in node:
        _check_object(path, node)
    if "array" in types and "items" not in node:
        raise SchemaError(path, "array schema missing items.")
    _check_values(path, node, types)


def _types(path: Path, node: Schema) -> list[str]:
    given = node.get("type", [])
    types = given if isinstance(given, list) else [given]
    for name in types:
        if not isinstance(name, str) or name not in TYPES:
            raise SchemaError(path, f"{name!r} is not valid under any of the given types.")
    return types


def _check_reference(path: Path, node: Schema, root: Schema) -> None:
    beside = sorted(set(node) - {"$ref"})
    if beside:
        raise SchemaError(path, f"$ref cannot have keywords {set(beside)!r}.")
    if resolve(node["$ref"], root) is None:
        raise SchemaError(path, f"reference {node['$ref']!r} does not point to a definition.")


def resolve(reference: object, root: Schema) -> Schema | None:
    """The definition that a reference within a schema points to."""
    if reference == "#":
        return root
    prefix = "#/$defs/"
    if not isinstance(reference, str) or not reference.startswith(prefix):
        return None
    found = root.get("$defs", {}).get(reference.removeprefix(prefix))
    return found if isinstance(found, dict) else None


def _check_object(path: Path, node: Schema) -> None:
    if node.get("additionalProperties") is not False:
        message = "'additionalProperties' is required to be supplied and to be false."
        raise SchemaError(path, message)
    properties = node.get("properties")
    if not isinstance(properties, dict):
        raise SchemaError(path, "object schema missing properties.")
    required = node.get("required", None if properties else [])
    rule = (
        "'required' is required to be supplied and to be an array including every key in "
        "properties."
    )
    if not isinstance(required, list):
        raise SchemaError(path, rule)
    for name in properties:
        if name not in required:
            raise SchemaError(path, f"{rule} Missing '{name}'.")
    for name in required:
        if name not in properties:
            raise SchemaError(path, f"{rule} Extra required key '{name}' supplied.")


def _check_branches(path: Path, branches: list[Schema], root: Schema) -> None:
    """Objects under ``anyOf`` are told apart by their first key or by that key's values."""
    seen: dict[str, list[set[str]]] = {}
    for branch in branches:
        node = resolve(branch["$ref"], root) if "$ref" in branch else branch
        properties = (node or {}).get("properties")
        if not isinstance(properties, dict) or not properties:
            continue
        name, first = next(iter(properties.items()))
        values = first.get("enum", [first["const"]] if "const" in first else [])
        texts = {repr(value) for value in values}
        for other in seen.setdefault(name, []):
            if not texts or not other or texts & other:
                message = "Objects provided via 'anyOf' must not share identical first keys."
                raise SchemaError(path, message)
        seen[name].append(texts)


def _check_values(path: Path, node: Schema, types: list[str]) -> None:
    values = node.get("enum", [])
    if not isinstance(values, list) or ("enum" in node and not values):
        raise SchemaError(path, "'enum' must be a non-empty array.")
    if "const" in node:
        values = [*values, node["const"]]
    for value in values:
        if types and not any(_is_of(value, name) for name in types):
            message = f"enum value {value!r} does not validate against {{'type': {types!r}}}."
            raise SchemaError(path, message)
    if "format" in node and node["format"] not in FORMATS:
        raise SchemaError(path, f"{node['format']!r} is not a supported format.")
    if "pattern" in node:
        _check_pattern(path, node["pattern"])


def _is_of(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _PYTHON_TYPES[name])


def _check_pattern(path: Path, pattern: object) -> None:
    try:
        re.compile(str(pattern))
    except re.error as problem:
        raise SchemaError(path, f"'pattern' is not a valid regex: {problem}.") from problem
    if not isinstance(pattern, str) or re.search(r"\(\?(?!:)", pattern):
        raise SchemaError(path, "'pattern' uses a regex feature that is not supported.")


def _check_sizes(nodes: list[Schema], root: Schema) -> None:
    names = [name for node in nodes for name in node.get("properties", {})]
    if len(names) > MAX_PROPERTIES:
        raise SchemaError((), f"{len(names)} properties exceed the limit of {MAX_PROPERTIES}.")
    enums = [node["enum"] for node in nodes if "enum" in node]
    count = sum(len(values) for values in enums)
    if count > MAX_ENUM_VALUES:
        raise SchemaError((), f"{count} enum values exceed the limit of {MAX_ENUM_VALUES}.")
    for values in enums:
        chars = sum(len(value) for value in values if isinstance(value, str))
        if len(values) > LARGE_ENUM and chars > MAX_LARGE_ENUM_CHARS:
            message = f"a large enum's {chars} characters exceed {MAX_LARGE_ENUM_CHARS}."
            raise SchemaError((), message)
    names += [name for node in nodes for name in node.get("$defs", {})]
    names += [str(value) for values in enums for value in values]
    names += [str(node["const"]) for node in nodes if "const" in node]
    chars = sum(map(len, names))
    if chars > MAX_NAME_CHARS:
        raise SchemaError((), f"{chars} characters of names exceed {MAX_NAME_CHARS}.")
    levels = _levels(root, root, {})
    if levels > MAX_LEVELS:
        raise SchemaError((), f"{levels} levels of nesting exceed the limit of {MAX_LEVELS}.")


def _levels(node: Schema, root: Schema, known: dict[str, int]) -> int:
    """How many objects and arrays lie within each other; a schema's own return counts nothing."""
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference not in known:
            known[reference] = 0
            known[reference] = _levels(resolve(reference, root) or {}, root, known)
        return known[reference]
    children = [*node.get("properties", {}).values(), *node.get("anyOf", [])]
    if "items" in node:
        children.append(node["items"])
    deepest = max((_levels(child, root, known) for child in children), default=0)
    return deepest + ("properties" in node or "items" in node)
