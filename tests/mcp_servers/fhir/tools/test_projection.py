"""Records as fhir_search and fhir_read show them."""

import json
from typing import Any

import pytest

from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.rendering import BUDGET, by_bytes
from mcp_servers.fhir.tools.projection import MAX_DEPTH, MAX_ITEMS, MAX_TEXT, bounded, elements_row, flat
from tests.mcp_servers.fhir.scripted import ScriptedFhir, observation
from tests.mcp_servers.fhir.sessions import data, session, text

# Each of its texts looks as if it were cut.
LONG = observation("big", "A", note=[{"text": f"N{n} … (cut) " + "word " * 300} for n in range(12)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("final", "final"),
        (True, True),
        (7.2, 7.2),
        ({"text": "Gout", "coding": [{"code": "1"}]}, "Gout"),
        ({"coding": [{"code": "1", "display": "Gout"}]}, "Gout"),
        ({"coding": [{"system": "s", "code": "M10"}]}, "M10"),
        ({"value": 7.2, "unit": "%", "comparator": "<"}, "< 7.2 %"),
        ({"start": "2019"}, "2019.."),
        ({"reference": "Patient/A", "display": "Ann"}, "Ann"),
        ({"reference": "Patient/A"}, "Patient/A"),
        ([{"family": "Roe", "given": ["Ann", "B"]}], "Ann; B Roe"),
        ({"low": {"value": 1}, "high": {"value": 2}}, "low: 1; high: 2"),
        (None, ""),
    ],
)
def test_a_value_is_written_as_a_person_would(value: Any, expected: object) -> None:
    assert flat(value) == expected


def test_elements_are_picked_by_name_and_choices_by_their_stem() -> None:
    resource = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "valueQuantity": {"value": 7, "unit": "%"},
        "valuesOther": 1,
    }
    assert elements_row(resource, ["value", "status", "note"]) == {
        "ref": "Observation/1",
        "valueQuantity": "7 %",
        "status": "final",
    }


def test_a_row_is_evidence_of_its_record_whatever_the_record_calls_itself() -> None:
    forged = {"resourceType": "Observation", "id": "1", "ref": "Observation/forged", "refs": 5}
    assert elements_row(forged, ["ref", "refs"]) == {"ref": "Observation/1"}


@pytest.mark.parametrize("name", ["code.text", "Code", "", "a b", "_id"])
def test_what_is_no_element_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        elements_row({"resourceType": "Basic", "id": "1"}, [name])


def test_narrative_and_bytes_are_left_out_and_noted() -> None:
    shown, notes = bounded(
        {
            "resourceType": "DocumentReference",
            "text": {"status": "generated", "div": "<div>Roe</div>"},
            "content": [{"attachment": {"contentType": "text/plain", "data": "SGk=", "title": "Note"}}],
            "type": {"text": "Letter"},
        }
    )
    assert shown == {
        "resourceType": "DocumentReference",
        "content": [{"attachment": {"contentType": "text/plain", "title": "Note"}}],
        "type": {"text": "Letter"},
    }
    assert notes == [
        "The narrative is left out.",
        "An attachment's bytes are left out; search_notes opens its text.",
    ]


def test_long_texts_and_lists_are_cut_and_noted() -> None:
    shown, notes = bounded({"a": "x" * 5000, "b": list(range(500))})
    assert len(shown["a"]) == MAX_TEXT
    assert len(shown["b"]) == MAX_ITEMS
    assert len(notes) == 2


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1, 900])
def test_nesting_is_cut_where_json_readers_could_give_up_and_noted(levels: int) -> None:
    deep: Any = "end"
    for _ in range(levels):
        deep = {"extension": deep}
    shown, notes = bounded(deep)
    assert bool(notes) is (levels > MAX_DEPTH)
    assert ("end" in json.dumps(shown)) is (levels == MAX_DEPTH)


def test_a_long_value_says_that_it_is_cut() -> None:
    assert flat("x" * (MAX_TEXT + 1)) == "x" * MAX_TEXT + "… (cut)"
    assert flat(["x"] * (MAX_ITEMS + 1)) == "; ".join([*["x"] * MAX_ITEMS, "… (cut)"])


@pytest.mark.anyio
async def test_a_record_too_long_for_a_text_is_read_in_parts() -> None:
    asked: dict[str, Any] = {"reference": "Observation/big"}
    parts: list[str] = []
    async with session(ScriptedFhir([{"resourceType": "Patient", "id": "A"}, LONG]), "A") as client:
        while True:
            result = await client.call_tool("fhir_read", asked)
            assert by_bytes(text(result)) <= BUDGET
            assert data(result)["rows"][0]["resource"]["note"] == LONG["note"]
            _, part, *notes = text(result).splitlines()
            parts.append(part.removeprefix("| ").removesuffix("… (cut)"))
            if not notes:
                break
            assert (notes[0].rpartition(" ")[0], part[-7:]) == ("- the rest: the same with start", "… (cut)")
            asked["start"] = int(notes[0].rpartition(" ")[2])
        behind = await client.call_tool("fhir_read", {**asked, "start": 1_000_000})
    assert len(parts) > 2
    assert [note.split()[0] for note in "".join(parts).split("text=N")[1:]] == [f"{n}" for n in range(12)]
    assert "".join(parts).count("word") == 12 * 300
    assert text(behind).startswith("[invalid_request] Observation/big ends before that")


@pytest.mark.parametrize("shown", [{"full": True}, {"elements": ["note"]}, {"elements": ["note", "status"]}])
@pytest.mark.anyio
async def test_a_search_says_where_a_cut_record_is_told_whole(shown: dict[str, Any]) -> None:
    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}, LONG, observation("o", "A")])
    async with session(app, "A") as client:
        result = await client.call_tool("fhir_search", {"resource_type": "Observation", **shown})
        short = await client.call_tool("fhir_search", {"resource_type": "Observation", "elements": ["code"]})
    assert "- (cut): fhir_read tells a record whole, in parts" in text(result).splitlines()
    assert by_bytes(text(result)) <= BUDGET
    assert "fhir_read" not in text(short)
