"""The text of an answer is told while its JSON is written, however that is cut and escaped."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.answer_text import AnswerText


def answer(text: str, thought: str = "") -> dict[str, Any]:
    arguments = {"text": text, "citations": ["Observation/1"], "status": "answered"}
    return {"thought": thought, "actions": [{"tool": "answer", "arguments": arguments}]}


def told(written: str, cuts: list[int]) -> list[str]:
    reader, raw = AnswerText(), written.encode()
    bounds = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [reader.read(raw[start:end]) for start, end in pairwise(bounds)]


def compact(step: dict[str, Any], ascii_only: bool) -> str:
    return json.dumps(step, separators=(",", ":"), ensure_ascii=ascii_only)


@given(st.text(), st.text(), st.lists(st.integers(0, 2000)), st.booleans())
def test_any_text_is_told_whole_and_in_order(
    text: str, thought: str, cuts: list[int], ascii_only: bool
) -> None:
    assert "".join(told(compact(answer(text, thought), ascii_only), cuts)) == text


@given(st.text(alphabet='"\\{}[]:,tolanswerx' + "\n"))
def test_a_thought_that_quotes_an_answer_is_not_one(thought: str) -> None:
    quoted = thought + compact(answer("no"), ascii_only=True) + thought
    step = {"thought": quoted, "actions": [{"tool": "chart_overview", "arguments": {"text": quoted}}]}
    assert "".join(told(compact(step, ascii_only=True), list(range(0, 2000, 3)))) == ""


def test_an_answer_beside_a_tool_call_is_not_told() -> None:
    step = answer("no")
    step["actions"].insert(0, {"tool": "chart_overview", "arguments": {}})
    assert "".join(told(compact(step, ascii_only=True), [])) == ""


def test_a_character_is_told_when_it_is_whole() -> None:
    head, rest = compact(answer("é\U0001f600."), ascii_only=True).split("\\u00e9\\ud83d\\ude00")
    reader = AnswerText()
    pieces = [head, "\\u00", "e9", "\\ud83d", "\\", "ude00", rest]
    assert [reader.read(piece.encode()) for piece in pieces] == ["", "", "é", "", "", "\U0001f600", "."]


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ud83d\n", r"\ud83d\ud83d", r"\ud83d\u0041"])
def test_half_a_character_is_told_as_a_mark_that_can_be_printed(half: str) -> None:
    written = compact(answer("a@b"), ascii_only=True).replace("@", half)
    pieces = "".join(told(written, list(range(len(written)))))
    assert pieces.startswith("a\ufffd")
    assert pieces.endswith("b")
    pieces.encode()


@given(st.text(alphabet='ab"\\/unrtd809CZ '), st.lists(st.integers(0, 300)))
def test_what_is_no_json_is_told_up_to_there_and_never_raises(raw: str, cuts: list[int]) -> None:
    head, rest = compact(answer("@"), ascii_only=True).split("@")
    pieces = "".join(told(head + raw + rest, cuts))
    try:
        text = json.loads(head + raw + rest)["actions"][0]["arguments"]["text"]
    except (ValueError, KeyError):
        pieces.encode()
    else:
        assert pieces == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
