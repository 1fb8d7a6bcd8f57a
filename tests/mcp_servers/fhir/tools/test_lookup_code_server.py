"""lookup_code on a server with a terminology of its own: what it is asked, and what its failures say."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.mcp_servers.fhir.scripted import (
    ScriptedFhir,
    ScriptedRecorder,
    capability_statement,
    fhir,
    outcome,
)
from tests.mcp_servers.fhir.sessions import data, session, text
from tests.mcp_servers.fhir.tools.test_lookup_code import in_chart, looked_up

LONG = "with words that take room " * 5


@pytest.mark.anyio
async def test_what_neither_chart_nor_dictionary_knows_is_asked_of_the_server() -> None:
    statement = capability_statement()
    statement["rest"][0]["resource"].append({"type": "ValueSet", "operation": [{"name": "expand"}]})
    contains = [{"system": "urn:x", "code": "42", "display": "Zorbitis"}]
    app = ScriptedFhir(
        [{"resourceType": "Patient", "id": "A"}],
        {
            "metadata": lambda _: fhir(statement),
            "ValueSet/$expand": lambda _: fhir(
                {"resourceType": "ValueSet", "expansion": {"contains": contains}}
            ),
        },
    )
    recorder = ScriptedRecorder()
    async with session(app, "A", recorder) as client:
        result = await client.call_tool("lookup_code", {"text": "zorbitis"})
    assert {"name": "Zorbitis", "system": "urn:x", "code": "42", "kind": "code system (server)"} in data(
        result
    )["rows"]
    expansions = [url for _, url, _ in recorder.calls[0].requests if "$expand" in url]
    assert expansions
    assert not any("Patient" in url or "patient" in url for url in expansions)
    assert "This chart has no record of" in text(result)


def with_terminology(**answers: Any) -> ScriptedFhir:
    """A chart with one problem, on a server that offers all three terminology operations."""
    statement = capability_statement()
    for kind, name in (("ValueSet", "expand"), ("CodeSystem", "lookup"), ("ConceptMap", "translate")):
        statement["rest"][0]["resource"].append({"type": kind, "operation": [{"name": name}]})
    parameters = {"patient": "reference", "clinical-status": "token", "code": "token"}
    statement["rest"][0]["resource"].append(
        {"type": "Condition", "searchParam": [{"name": n, "type": t} for n, t in parameters.items()]}
    )
    problem = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/A"},
        "code": {"coding": [{"system": "urn:new", "code": "N1", "display": "Zorbitis, chronic"}]},
    }
    patient = {"resourceType": "Patient", "id": "A"}
    script = {name.replace("_", "/$"): answer for name, answer in answers.items()}
    return ScriptedFhir([patient, problem], {"metadata": lambda _: fhir(statement), **script})


@pytest.mark.anyio
async def test_a_code_that_the_dictionary_does_not_know_is_mapped_by_the_server() -> None:
    def part(equivalence: str, code: str) -> dict[str, Any]:
        concept = {"system": "urn:new", "code": code}
        return {
            "name": "match",
            "part": [
                {"name": "equivalence", "valueCode": equivalence},
                {"name": "concept", "valueCoding": concept},
            ],
        }

    app = with_terminology(
        ConceptMap_translate=lambda _: fhir(
            {"resourceType": "Parameters", "parameter": [part("equivalent", "N1"), part("wider", "N")]}
        )
    )
    recorder = ScriptedRecorder()
    async with session(app, "A", recorder) as client:
        found = data(await client.call_tool("lookup_code", {"text": "urn:old|O1"}))
    assert in_chart(found) == {"Zorbitis, chronic": 1}
    assert [(one["code"], one["kind"]) for one in found["rows"][1:]] == [
        ("N1", "equivalent (server's concept map)"),
        ("N", "wider (server's concept map)"),
    ]
    assert any("No record here bears `urn:old|O1` itself" in note for note in found["notes"])
    (asked,) = [url for _, url, _ in recorder.calls[0].requests if "$translate" in url]
    assert "atient" not in asked


@pytest.mark.anyio
async def test_what_the_chart_says_stands_where_the_servers_terminology_fails() -> None:
    def broken(_: Request) -> Response:
        return fhir({"resourceType": "OperationOutcome", "issue": []}, 501)

    app = with_terminology(ConceptMap_translate=broken, CodeSystem_lookup=broken, ValueSet_expand=broken)
    charted = await looked_up(app, "A", "urn:new|N1")
    assert in_chart(charted) == {"Zorbitis, chronic": 1}
    for words in ("urn:other|O1", "knorbitis"):
        found = await looked_up(app, "A", words)
        assert found["rows"] == []
        failures = [note for note in found["notes"] if "own terminology could not be asked" in note]
        assert len(failures) == 1


@pytest.mark.anyio
async def test_what_the_servers_terminology_lacks_is_asked_once_for_all_patients() -> None:
    def unknown(_: Request) -> Response:
        return fhir({"resourceType": "OperationOutcome", "issue": []}, 404)

    app = with_terminology(ValueSet_expand=unknown)
    app.resources.append({"resourceType": "Patient", "id": "B"})
    async with session(app) as client:
        for patient in ("A", "B"):
            asked = {"patient": patient, "text": "knorbitis"}
            assert not data(await client.call_tool("lookup_code", asked))["rows"]
    assert sum("$expand" in request.url.path for request in app.seen) == 5


@pytest.mark.anyio
async def test_a_text_that_the_servers_terminology_refuses_or_is_not_sent_is_noted() -> None:
    def costly(_: Request) -> Response:
        return outcome(422, "too-costly", "too long")

    app = with_terminology(ValueSet_expand=costly)
    for words in ("qzx", "Jane Roe 1950-02-03", "mrn|4711"):
        notes = (await looked_up(app, "A", words))["notes"]
        assert sum("own terminology could not be asked" in note for note in notes) == 1, words


@pytest.mark.anyio
async def test_what_is_said_of_the_other_rows_is_true_at_the_most_that_can_be_asked_for() -> None:
    problems = [
        {
            "resourceType": "Condition",
            "id": f"c{n}",
            "subject": {"reference": "Patient/A"},
            "code": {
                "coding": [{"system": "urn:x", "code": f"C{n}", "display": f"Zorbitis of kind {n}, {LONG}"}]
            },
        }
        for n in range(67)
    ]
    app = with_terminology()
    app.resources[1:] = problems
    async with session(app, "A") as client:
        result = await client.call_tool("lookup_code", {"text": "zorbitis", "limit": 50})
    found, shown = data(result), text(result).count("Zorbitis")
    assert found["returned"] == 50
    assert 0 < shown < 50
    (note,) = [line for line in text(result).splitlines() if "more rows" in line]
    assert note.startswith(f"- {67 - shown} more rows: ask for one")
    assert "17 more rows: ask for one of the names." in found["notes"]
