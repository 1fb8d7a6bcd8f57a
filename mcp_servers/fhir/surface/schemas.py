"""A JSON Schema said in fewer words: a model reads the schemas of all tools before its first question."""

from typing import Any

# Titles are derived from names, and definitions are inlined where they are used.
_SAID_TWICE = frozenset({"title", "$defs"})


def brief(schema: dict[str, Any], *, taken: bool) -> dict[str, Any]:
    """`schema` without titles and references.

    Of what is `taken` (arguments), an optional value is left out and never null: one way to say it. What is
    given (results) may be null, and keeps saying so.
    """
    found: dict[str, Any] = _brief(schema, schema.get("$defs", {}), taken=taken)
    return found


def _brief(node: Any, definitions: dict[str, Any], *, taken: bool) -> Any:
    if isinstance(node, list):
        return [_brief(item, definitions, taken=taken) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _brief(definitions[node["$ref"].rpartition("/")[2]], definitions, taken=taken)
    alternatives = [branch for branch in node.get("anyOf", []) if branch != {"type": "null"}]
    if taken and len(alternatives) == 1:
        said = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
        return _brief({**alternatives[0], **said}, definitions, taken=taken)
    return {
        key: {name: _brief(schema, definitions, taken=taken) for name, schema in value.items()}
        if key == "properties"
        else _brief(value, definitions, taken=taken)
        for key, value in node.items()
        if key not in _SAID_TWICE and value != []
    }
