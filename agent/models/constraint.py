"""The forms in which model servers take a JSON Schema to constrain a reply."""

from collections.abc import Callable
from typing import Any

Constraint = Callable[[dict[str, Any]], dict[str, Any]]
"""From a schema to the fields that it adds to a request."""

# llama-cpp-python nests one optional per character: its process dies at 1,200. llama.cpp's own converter
# refuses more than 2,000 repetitions.
_LONGEST_STRING = 1000
_MOST_INTEGERS = 500


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """As Ollama, LM Studio, llama.cpp's own server, vLLM and OpenAI take it.

    Without `strict`: the first four enforce a schema anyway, and OpenAI would then refuse ours, since it
    wants every property required (https://platform.openai.com/docs/guides/structured-outputs).
    """
    wrapped = {"name": "step", "schema": grammar_schema(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": wrapped}}


def json_object(schema: dict[str, Any]) -> dict[str, Any]:
    """As llama-cpp-python takes it."""
    return {"response_format": {"type": "json_object", "schema": grammar_schema(schema)}}


def tool_call(schema: dict[str, Any]) -> dict[str, Any]:
    """As servers take it that constrain the arguments of tools: one tool, which must be called."""
    function = {"name": "step", "description": "Take the next step.", "parameters": grammar_schema(schema)}
    chosen = {"type": "function", "function": {"name": "step"}}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}


def unconstrained(_: dict[str, Any]) -> dict[str, Any]:
    """For servers that enforce no schema."""
    return {}


def grammar_schema(schema: Any) -> Any:
    """The schema in words that servers' grammar converters understand; replies are held to the original.

    llama-cpp-python 0.3.36 makes a grammar that does not parse out of `\\d` in a pattern or a long
    `maxLength`, and then crashes; it ignores the bounds of integers. So `\\d` becomes `[0-9]`, a long
    `maxLength` goes (the reply's token limit remains), and a short range of integers becomes its list.
    """
    if isinstance(schema, list):
        return [grammar_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "integer" and {"minimum", "maximum"} <= schema.keys():
        if schema["maximum"] - schema["minimum"] < _MOST_INTEGERS:
            return {"enum": list(range(schema["minimum"], schema["maximum"] + 1))}
    plain = {key: grammar_schema(value) for key, value in schema.items()}
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = plain["pattern"].replace("\\d", "[0-9]")
    if isinstance(plain.get("maxLength"), int) and plain["maxLength"] > _LONGEST_STRING:
        del plain["maxLength"]
    return plain
