"""The step schema: one JSON Schema for constrained decoding, `response_format` and validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from agent.errors import CannotAnswer, ModelFailed
from agent.messages import Message, Step, StepMessage

ANSWER = "answer"
CANNOT = "cannot_answer"
MAX_ACTIONS = 4
_UNBOUNDED_STRING = 200
_UNBOUNDED_ARRAY = 10
# Titles and defaults cost a grammar time and bind nothing.
_ANNOTATIONS = {"title", "default", "description", "examples"}


@dataclass(frozen=True)
class ToolOffer:
    """A tool that the model may call: its name, when to use it, and its input's JSON Schema."""

    name: str
    description: str
    input_schema: dict[str, Any]

    def __str__(self) -> str:
        """The tool as a prompt tells it: name, arguments (`?` where optional), when to use it."""
        required = self.input_schema.get("required", [])
        names = [name if name in required else f"{name}?" for name in self.input_schema.get("properties", {})]
        return f"- {self.name}({', '.join(names)}): {self.description}"


def answer_schema() -> dict[str, Any]:
    """The arguments of the `answer` action."""
    return {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": 4000},
            "citations": {
                "type": "array",
                "items": {"type": "string", "maxLength": 130},
                "maxItems": 40,
            },
            "status": {"enum": ["answered", "not_in_chart", "needs_review", CANNOT]},
        },
        "required": ["text", "citations", "status"],
        "additionalProperties": False,
    }


def step_schema(tools: list[ToolOffer]) -> dict[str, Any]:
    """An object with a short thought and one to four actions, each one of `tools` or the answer.

    Every string and array is bounded and no property is free, so that a grammar built from it always ends.
    """
    choices = [(tool.name, _bounded(tool.input_schema, tool.input_schema)) for tool in tools]
    return {
        "type": "object",
        "properties": {
            "thought": {"type": "string", "maxLength": 400},
            "actions": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_ACTIONS,
                "items": {
                    "anyOf": [
                        {
                            "type": "object",
                            "properties": {"tool": {"const": name}, "arguments": arguments},
                            "required": ["tool", "arguments"],
                            "additionalProperties": False,
                        }
                        for name, arguments in [*choices, (ANSWER, answer_schema())]
                    ]
                },
            },
        },
        "required": ["thought", "actions"],
        "additionalProperties": False,
    }


def validate(step: Step, schema: dict[str, Any]) -> None:
    """Raise ModelFailed, saying what does not fit, unless the step fits the schema.

    An answer stands alone: beside a tool call it could not have seen that call's result.
    """
    document = step.model_dump(mode="json")
    error = (
        None if _fits(document, schema) else best_match(Draft202012Validator(schema).iter_errors(document))
    )
    if error is not None:
        raise ModelFailed(
            f"The model's step does not fit the schema at {error.json_path}: {error.message[:300]}"
        )
    if len(step.actions) > 1 and any(action.tool == ANSWER for action in step.actions):
        raise ModelFailed("The model answered and called tools in one step; an answer must stand alone.")


def check_progress(step: Step, messages: Sequence[Message]) -> None:
    """Raise CannotAnswer where the step says that the model cannot, ModelFailed where it runs in a circle.

    `messages` end with the step. Three times the same calls on end is a circle: what they bring was told.
    """
    if step.actions[0].tool == ANSWER and step.actions[0].arguments["status"] == CANNOT:
        raise CannotAnswer(step.actions[0].arguments["text"])
    taken = [message.step.actions for message in messages if isinstance(message, StepMessage)]
    if len(taken) > 2 and taken[-1] == taken[-2] == taken[-3]:
        raise ModelFailed("The model made the same calls three times on end; ask in other words.")


def _fits(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether it fits, of the alternatives those of the tools named: to try all takes three times as long."""
    actions = schema["properties"]["actions"]
    named = {action["tool"] for action in document["actions"]}
    chosen = [one for one in actions["items"]["anyOf"] if one["properties"]["tool"]["const"] in named]
    narrowed = {**schema["properties"], "actions": {**actions, "items": {"anyOf": chosen}}}
    return Draft202012Validator({**schema, "properties": narrowed}).is_valid(document)


def _bounded(node: Any, root: dict[str, Any]) -> Any:
    """A copy with references inlined, `null` alternatives dropped, and every string and array bounded."""
    if isinstance(node, list):
        return [_bounded(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _bounded(root["$defs"][node["$ref"].rsplit("/", 1)[1]], root)
    alternatives = [branch for branch in node.get("anyOf", []) if branch != {"type": "null"}]
    if len(alternatives) == 1:
        # An optional argument is left out, never sent as null: one way to say it.
        return _bounded({**node, **alternatives[0], "anyOf": []}, root)
    bounded = {
        key: {name: _bounded(schema, root) for name, schema in value.items()}
        if key == "properties"
        else _bounded(value, root)
        for key, value in node.items()
        if key not in _ANNOTATIONS | {"$defs", "$schema"} and not (key == "anyOf" and not value)
    }
    if bounded.get("type") == "object":
        bounded.setdefault("properties", {})
        bounded["additionalProperties"] = False
    if bounded.get("type") == "array":
        bounded.setdefault("maxItems", _UNBOUNDED_ARRAY)
    if bounded.get("type") == "string" and not bounded.keys() & {"enum", "const"}:
        bounded.setdefault("maxLength", _UNBOUNDED_STRING)
    return bounded
