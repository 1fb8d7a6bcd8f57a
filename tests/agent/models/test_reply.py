"""A reply is one valid step, or the reason why it is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.reply import NoStep, read_step, without_thinking
from tests.agent.models.step_schema import STEP_SCHEMA

STEP = {
    "thought": "look",
    "actions": [{"tool": "observations", "arguments": {"name": "HbA1c", "mode": "latest"}}],
}
GOOD = json.dumps(STEP)


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"<unused94>thought\nthe user asks {{x}}<unused95>{GOOD}",
        f"<think>hm</think>\n{GOOD}",
        f"opened in the prompt</think>{GOOD}",
        f"```json\n{GOOD}\n```",
        f"<think>a</think><think>b</think>```\n{GOOD}\n```",
    ],
)
def test_one_valid_step_is_read_through_thinking_and_fences(reply: str) -> None:
    assert read_step(reply, STEP_SCHEMA, truncated=False).model_dump(mode="json") == STEP


@pytest.mark.parametrize(
    ("reply", "truncated", "why"),
    [
        ("", False, "it was empty"),
        ("<think></think>", False, "it was empty"),
        ("The last HbA1c was 7.9.", False, "it was not one JSON object"),
        (f"Sure! {GOOD}", False, "it was not one JSON object"),
        (f"{GOOD}{GOOD}", False, "it was not one JSON object"),
        ("[" * 100_000, False, "it was not one JSON object"),
        (f"<think>never ends {GOOD}", False, "its thinking never ended"),
        (f"<unused94>never ends {GOOD}", False, "its thinking never ended"),
        (GOOD[:-9], True, "it was cut off at the token limit"),
        ('{"thought": "' + "the patient " * 200, True, "it repeated itself until the token limit"),
        ("{" + " \n" * 500, True, "it repeated itself until the token limit"),
        ("[]", False, "it did not fit the step schema (type at the object)"),
        ('{"actions": []}', False, "it did not fit the step schema"),
    ],
)
def test_a_reply_that_is_no_step_says_why(reply: str, truncated: bool, why: str) -> None:
    with pytest.raises(NoStep) as no_step:
        read_step(reply, STEP_SCHEMA, truncated)
    assert str(no_step.value).startswith(why)


@pytest.mark.parametrize("half", ["\ud800", "\\ud800"])
def test_a_step_with_half_a_character_is_none(half: str) -> None:
    reply = f'{{"thought": "{half}", "actions": [{{"tool": "chart_overview", "arguments": {{}}}}]}}'
    with pytest.raises(NoStep):
        read_step(reply, STEP_SCHEMA, truncated=False)


def test_the_correction_speaks_of_the_tool_that_was_meant() -> None:
    reply = json.dumps({"thought": "", "actions": [{"tool": "fhir_read", "arguments": {"ref": "Patient/1"}}]})
    with pytest.raises(
        NoStep, match=r"\(required at actions\[0\]\.arguments\)|additionalProperties"
    ) as no_step:
        read_step(reply, STEP_SCHEMA, truncated=False)
    assert "find_patient" not in no_step.value.correction


def test_the_reason_for_a_person_never_quotes_the_reply() -> None:
    reply = json.dumps({"thought": "", "actions": [{"tool": "Jane Doe has gout", "arguments": {}}]})
    with pytest.raises(NoStep) as no_step:
        read_step(reply, STEP_SCHEMA, truncated=False)
    assert "gout" not in str(no_step.value)


@given(st.text(max_size=100), st.booleans())
def test_any_text_is_a_step_or_no_step(reply: str, truncated: bool) -> None:
    with pytest.raises(NoStep):
        read_step(reply, STEP_SCHEMA, truncated)


@given(st.text(alphabet="<>/thinkused945 ", max_size=40))
def test_no_thinking_is_left_in_what_is_read(reply: str) -> None:
    try:
        text = without_thinking(reply)
    except NoStep:
        return
    assert "<think>" not in text
    assert "</think>" not in text
