"""A step schema like the one that the planner sends: seven tools, bounded in every string and array."""

from typing import Any

WORD = {"type": "string", "maxLength": 60}
DATE = {"type": "string", "maxLength": 10, "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"}
LIMIT = {"type": "integer", "minimum": 1, "maximum": 50}
KIND = {"enum": ["problems", "medications", "allergies", "encounters", "procedures", "reports"]}


def _tool(tool: str, required: list[str], /, **properties: Any) -> dict[str, Any]:
    arguments = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"tool": {"const": tool}, "arguments": arguments},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


PARAMETER = {
    "type": "object",
    "properties": {"name": WORD, "value": WORD},
    "required": ["name", "value"],
    "additionalProperties": False,
}
TOOLS = [
    _tool("find_patient", ["text"], text=WORD, limit=LIMIT),
    _tool("chart_overview", []),
    _tool("list_records", ["kind"], kind=KIND, text=WORD, since=DATE, until=DATE, limit=LIMIT),
    _tool(
        "observations",
        ["name", "mode"],
        name=WORD,
        mode={"enum": ["latest", "series", "statistics", "count"]},
        since=DATE,
    ),
    _tool(
        "fhir_search",
        ["resource_type"],
        resource_type=WORD,
        parameters={"type": "array", "maxItems": 4, "items": PARAMETER},
    ),
    _tool("fhir_read", ["reference"], reference={"type": "string", "maxLength": 100}),
    _tool(
        "answer",
        ["text", "citations", "status"],
        text={"type": "string", "minLength": 1, "maxLength": 300},
        citations={"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 60}},
        status={"enum": ["answered", "not_in_chart", "needs_review"]},
    ),
]
STEP_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "thought": {"type": "string", "maxLength": 200},
        "actions": {"type": "array", "minItems": 1, "maxItems": 4, "items": {"anyOf": TOOLS}},
    },
    "required": ["thought", "actions"],
    "additionalProperties": False,
}
