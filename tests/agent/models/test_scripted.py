"""The scripted model plays what it is given, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.errors import CannotAnswer, ModelFailed, UsageError
from agent.messages import Action, Message, QuestionMessage, Step
from agent.models.scripted import ScriptedModel, load_script

ASK: list[Message] = [QuestionMessage(text="What was the last HbA1c?")]
LOOK = Step(thought="look", actions=(Action(tool="observations", arguments={"name": "HbA1c"}),))
ANSWER = Step(actions=(Action(tool="answer", arguments={"text": "None.", "status": "not_in_chart"}),))


@pytest.mark.anyio
async def test_steps_come_in_their_order_and_the_messages_are_kept() -> None:
    model = ScriptedModel([LOOK, ANSWER])
    assert [(await model.next_step(ASK, {}, [])).step for _ in range(2)] == [LOOK, ANSWER]
    assert model.seen == [ASK, ASK]
    assert model.identity.name == "scripted"


@pytest.mark.anyio
async def test_a_scripted_exception_is_raised() -> None:
    with pytest.raises(CannotAnswer, match="beyond me"):
        await ScriptedModel([CannotAnswer("beyond me")]).next_step(ASK, {}, [])


@pytest.mark.anyio
async def test_a_script_that_is_played_out_fails_and_says_so() -> None:
    model = ScriptedModel([LOOK], name="short")
    await model.next_step(ASK, {}, [])
    with pytest.raises(ModelFailed, match="'short' has 1 steps, and turn 2"):
        await model.next_step(ASK, {}, [])


@pytest.mark.anyio
async def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    entries = [LOOK.model_dump(mode="json"), {"cannot_answer": "too far"}, {"model_failed": "down"}]
    script.write_text(json.dumps(entries))
    model = load_script(script)
    assert (await model.next_step(ASK, {}, [])).step == LOOK
    with pytest.raises(CannotAnswer, match="too far"):
        await model.next_step(ASK, {}, [])
    with pytest.raises(ModelFailed, match="down"):
        await model.next_step(ASK, {}, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "must be a JSON list"),
        ([{"actions": [{"arguments": {}}]}], "Entry 1 .*actions.0.tool"),
        ([LOOK.model_dump(), {"cannot_answer": "x", "more": 1}], "Entry 2"),
        (["prose"], "Entry 1"),
    ],
)
def test_a_file_that_is_no_script_is_a_usage_error(tmp_path: Path, content: Any, said: str) -> None:
    script = tmp_path / "script.json"
    script.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UsageError, match=said):
        load_script(script)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_script(tmp_path / "none.json")
