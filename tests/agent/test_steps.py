import pytest

from agent.errors import ModelFailed
from agent.messages import Action, Step
from agent.steps import ToolOffer, step_schema, validate

LOOK_UP = ToolOffer(
    "look_up",
    "Look one thing up.",
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name"},
            "mode": {"$ref": "#/$defs/Mode", "default": "latest"},
            "since": {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}], "default": None},
            "codes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
        "$defs": {"Mode": {"enum": ["latest", "count"], "type": "string"}},
    },
)
SCHEMA = step_schema([LOOK_UP])


def step(*actions: Action) -> Step:
    return Step(thought="", actions=actions)


def answer(**changes: object) -> Action:
    arguments = {"text": "None.", "citations": [], "status": "answered", **changes}
    return Action(tool="answer", arguments=arguments)


def strings_and_arrays(node: object) -> list[dict[str, object]]:
    if isinstance(node, list):
        return [found for item in node for found in strings_and_arrays(item)]
    if not isinstance(node, dict):
        return []
    here = [node] if node.get("type") in {"string", "array"} else []
    return here + [found for value in node.values() for found in strings_and_arrays(value)]


def test_every_string_and_array_of_the_schema_is_bounded() -> None:
    found = strings_and_arrays(SCHEMA)
    assert len(found) >= 8
    for node in found:
        assert node.keys() & {"maxLength", "maxItems", "enum"}, node


def test_references_are_inlined_and_null_alternatives_dropped() -> None:
    tool = SCHEMA["properties"]["actions"]["items"]["anyOf"][0]["properties"]["arguments"]
    assert tool["properties"]["mode"] == {"enum": ["latest", "count"], "type": "string"}
    assert tool["properties"]["since"] == {"type": "string", "maxLength": 10}
    assert "$defs" not in tool


def test_a_prompt_tells_a_tools_name_arguments_and_use() -> None:
    assert str(LOOK_UP) == "- look_up(name, mode?, since?, codes?): Look one thing up."


@pytest.mark.parametrize(
    "good",
    [
        step(Action(tool="look_up", arguments={"name": "HbA1c", "mode": "count"})),
        step(*[Action(tool="look_up", arguments={"name": "x"})] * 4),
        step(answer()),
    ],
)
def test_a_fitting_step_is_accepted(good: Step) -> None:
    validate(good, SCHEMA)


@pytest.mark.parametrize(
    "bad",
    [
        step(Action(tool="look_up", arguments={})),
        step(Action(tool="look_up", arguments={"name": "x", "patient": "Patient/other"})),
        step(Action(tool="look_up", arguments={"name": "x" * 201})),
        step(Action(tool="delete_everything", arguments={})),
        step(*[Action(tool="look_up", arguments={"name": "x"})] * 5),
        step(),
        step(answer(status="certain")),
        step(answer(), Action(tool="look_up", arguments={"name": "x"})),
    ],
)
def test_a_step_that_breaks_the_schema_is_refused_with_the_place(bad: Step) -> None:
    with pytest.raises(ModelFailed, match=r"schema at \$|stand alone"):
        validate(bad, SCHEMA)
