"""What nobody sees in a text is no part of it, in whatever way it reaches a model."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.unseen import without_unseen
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, observation
from tests.mcp_servers.fhir.sessions import session, text

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
SELECTORS = "".join(chr(0xE0100 + ord(letter) - 16) for letter in "obey") + "\ufe00\ufe0f"
BIDI = "\u202e\u2066\u200f\u061c"
ZERO_WIDTH = "\u200b\u2060\u200c\u200d\u034f\ufeff"
FILLERS = "\u3164\u115f\u1160\uffa0\u180e"
HIDDEN = TAGS + SELECTORS + BIDI + ZERO_WIDTH + FILLERS


@pytest.mark.parametrize("hidden", [*HIDDEN, HIDDEN, "\u061c\u200d" * 8, "\u17b4\u200c" * 8])
def test_unseen_characters_are_gone_and_the_others_stay(hidden: str) -> None:
    assert without_unseen(f"7{hidden}.2 µmol/l\tBjörn 李{hidden}\n") == "7.2 µmol/l\tBjörn 李\n"


@pytest.mark.parametrize("word", ["می\u200cخواهم", "क्\u200dष", "ශ්\u200dරී", "ᠨᠢ\u180bᠭᠡ"])
def test_joiners_stay_where_a_script_needs_them(word: str) -> None:
    assert without_unseen(word) == word
    joiner = next(one for one in word if one in "\u200c\u200d\u180b")
    assert without_unseen(word.replace(joiner, joiner * 9)) == word


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(HIDDEN)))
def test_no_joiner_stands_alone_and_nothing_is_left_for_another_turn(said: str) -> None:
    cleaned = without_unseen(said)
    assert without_unseen(cleaned) == cleaned
    assert not set(cleaned) & set(HIDDEN) - {"\u200c", "\u200d", "\u180e"}
    assert not cleaned.startswith(("\u200c", "\u200d"))


@pytest.mark.anyio
async def test_no_tool_shows_what_is_unseen() -> None:
    said = f"Heart{HIDDEN} rate"
    note = {
        "resourceType": "DocumentReference",
        "id": "n",
        "status": "current",
        "type": {"text": said},
        "subject": {"reference": "Patient/A"},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(said.encode()).decode(),
                    "title": said,
                }
            }
        ],
    }
    measured = observation("1", "A", code={"text": said}, valueString=said, note=[{"text": said}])
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, measured, note])
    asked: list[tuple[str, dict[str, Any]]] = [
        ("observations", {"name": "Heart rate"}),
        ("query_chart", {"sql": "SELECT ref, code_text, value_text FROM observation"}),
        ("fhir_search", {"resource_type": "Observation"}),
        ("fhir_search", {"resource_type": "Observation", "elements": ["code", "value", "note"]}),
        ("fhir_search", {"resource_type": "Observation", "full": True}),
        ("fhir_read", {"reference": "Observation/1"}),
        ("fhir_read", {"reference": "DocumentReference/n"}),
        ("search_notes", {"text": "heart rate"}),
    ]
    async with session(app, "A", base=BASE) as client:
        for tool, arguments in asked:
            result = await client.call_tool(tool, arguments)
            shown = text(result)
            assert "Heart rate" in shown, tool
            assert not set(shown) & set(HIDDEN), tool
            if tool != "query_chart":
                assert not set(str(result.structured_content)) & set(HIDDEN), tool
