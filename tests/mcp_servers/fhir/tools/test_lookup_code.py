"""lookup_code on the hand-made charts: words to codes of chart and dictionary, drugs to classes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.terminology.concepts import concepts, family
from mcp_servers.fhir.tools.codes import _TOKENS
from tests.mcp_servers.fhir.scripted import (
    ScriptedFhir,
    bundle,
    fhir,
    http_to,
    observation,
)
from tests.mcp_servers.fhir.sessions import data, session, text

OKAFOR = "hard-amara-okafor"
TANAKA = "hard-mei-tanaka"
PULSE = {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]}


async def looked_up(app: Any, patient: str, words: str, **more: Any) -> dict[str, Any]:
    async with session(app, patient) as client:
        return data(await client.call_tool("lookup_code", {"text": words, **more}))


def in_chart(found: dict[str, Any]) -> dict[str, int]:
    return {row["name"]: row["in_chart"] for row in found["rows"] if "in_chart" in row}


@pytest.mark.anyio
async def test_a_word_finds_the_charts_codes_with_references_and_the_dictionarys_with_synonyms(
    each_store: Starlette | str,
) -> None:
    found = await looked_up(each_store, OKAFOR, "diabetes")
    chart, dictionary = found["rows"]
    assert chart == {
        "name": "Diabetes mellitus type 2",
        "system": "SNOMED CT",
        "code": "44054006",
        "kind": "problem",
        "in_chart": 1,
        "refs": ["Condition/hard-amara-okafor-diabetes"],
    }
    assert dictionary["codes"]["SNOMED CT"] == ["73211009"]
    assert "sugar diabetes" in dictionary["synonyms"]
    assert found["finding"] == "recorded"


@pytest.mark.anyio
async def test_a_class_finds_the_charts_drugs_in_it_and_a_drug_its_classes(
    each_store: Starlette | str,
) -> None:
    found = await looked_up(each_store, OKAFOR, "is lisinopril an ACE inhibitor?")
    assert in_chart(found) == {"lisinopril 10 MG Oral Tablet": 1}
    by_kind = {row["kind"]: row for row in found["rows"]}
    assert "ramipril" in by_kind["class (dictionary)"]["members"]
    assert "ACE inhibitor" in by_kind["drug (dictionary)"]["classes"]
    assert "lisinopril is listed as ACE inhibitor in the dictionary." in found["notes"]
    other = await looked_up(each_store, OKAFOR, "is metformin a statin")
    assert "metformin is not listed as statin in the dictionary." in other["notes"]


@pytest.mark.anyio
async def test_drugs_are_found_by_what_orders_refer_to(embedded: Starlette) -> None:
    found = await looked_up(embedded, TANAKA, "blood thinner")
    names = " ".join(in_chart(found)).casefold()
    assert "warfarin" in names
    assert "heparin" in names
    assert "apixaban" in names


@pytest.mark.anyio
async def test_measurements_are_found_by_their_everyday_name_and_counted(each_store: Starlette | str) -> None:
    found = await looked_up(each_store, OKAFOR, "a1c")
    loinc = next(row for row in found["rows"] if row.get("code") == "4548-4")
    async with session(each_store, OKAFOR) as client:
        counted = data(await client.call_tool("fhir_search", {"resource_type": "Observation", "limit": 100,
            "parameters": [{"name": "code", "value": "4548-4"}]}))  # fmt: skip
    assert loinc["in_chart"] == counted["returned"] > 1


@pytest.mark.anyio
async def test_records_entered_in_error_are_counted_apart(each_store: Starlette | str) -> None:
    found = await looked_up(each_store, OKAFOR, "hypothyroidism")
    assert in_chart(found) == {}
    assert "1 records entered in error are not counted." in found["notes"]
    assert found["finding"] == "nothing_recorded"


@pytest.mark.anyio
@pytest.mark.parametrize("words", ["COPD", "sulfonamide"])
async def test_what_is_refuted_is_in_no_chart(each_store: Starlette | str, words: str) -> None:
    found = await looked_up(each_store, OKAFOR, words)
    assert (in_chart(found), found["finding"]) == ({}, "nothing_recorded")
    assert "1 records refuted are not counted." in found["notes"]


@pytest.mark.anyio
async def test_a_wide_word_finds_its_kinds(embedded: Starlette) -> None:
    found = await looked_up(embedded, OKAFOR, "cancer")
    assert in_chart(found) == {"Malignant neoplasm of breast": 1}
    assert "Breast cancer" in found["rows"][-1]["members"]


@pytest.mark.anyio
async def test_a_code_of_the_chart_is_named(each_store: Starlette | str) -> None:
    found = await looked_up(each_store, OKAFOR, "http://www.nlm.nih.gov/research/umls/rxnorm|314076")
    assert in_chart(found) == {"lisinopril 10 MG Oral Tablet": 1}


@pytest.mark.anyio
async def test_a_word_that_nobody_knows_says_what_to_try(embedded: Starlette) -> None:
    found = await looked_up(embedded, OKAFOR, "ankle")
    assert found["rows"] == []
    assert found["notes"][-1].startswith(
        "None of the chart's problems, medications, allergies, measurements,"
    )
    assert "try another word" in found["notes"][-1]
    assert "Ankle fracture" in found["notes"][-1]


@pytest.mark.anyio
async def test_more_rows_than_asked_for_are_announced(embedded: Starlette) -> None:
    found = await looked_up(embedded, OKAFOR, "blood pressure medication", limit=1)
    assert (found["returned"], found["truncated"]) == (1, True)
    assert any("more rows" in note for note in found["notes"])


@pytest.mark.anyio
async def test_a_measurement_under_a_local_code_is_found_by_its_name() -> None:
    coding = {"system": "urn:lab", "code": "GLU", "display": "Glucose, serum"}
    local = observation("o1", "A", code={"coding": [coding]}, effectiveDateTime="2024-01-01")
    heart = observation("o2", "A", effectiveDateTime="2024-01-02")

    def observations(request: Request) -> Response:
        wanted = request.query_params.get("code", "")
        return bundle(request, [] if "loinc" in wanted else [local, heart])

    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}], {"Observation": observations})
    found = await looked_up(app, "A", "blood sugar")
    assert found["rows"][0] == {
        "name": "Glucose, serum",
        "system": "urn:lab",
        "code": "GLU",
        "kind": "measurement",
        "in_chart": 1,
        "refs": ["Observation/o1"],
    }


@pytest.mark.anyio
async def test_measurements_of_a_long_chart_are_counted_by_the_server() -> None:
    coding = {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}
    some = [observation(f"o{n:04}", "A", code={"coding": [coding]}) for n in range(1_000)]

    def observations(request: Request) -> Response:
        if request.query_params["_count"] == "1":
            return fhir({**searchset(request, some[:1]), "total": 1_234})
        return bundle(request, some, following="http://x/fhir/Observation?page=2")

    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}], {"Observation": observations})
    found = await looked_up(app, "A", "pulse")
    assert in_chart(found) == {"Heart rate": 1_234}


@pytest.mark.parametrize("words", ["pulse", "zorbinol"])
@pytest.mark.anyio
async def test_what_is_wrong_with_the_measurements_that_were_read_is_told(words: str) -> None:
    wrong = observation("o1", "A", code=PULSE, status="entered-in-error")
    records = [observation("o2", "A", code=PULSE), observation("o3", "A", code={"text": "Zorbinol"}), wrong]

    def observations(request: Request) -> Response:
        return fhir({**searchset(request, records), "total": 5})

    app = ScriptedFhir([{"resourceType": "Patient", "id": "A"}], {"Observation": observations})
    found = await looked_up(app, "A", words)
    assert "The server counts 5 Observation records, and sent 3: others are missing." in found["notes"]
    assert (found["total"], found["truncated"]) == (None, True)
    said = "1 records entered in error are not counted."
    assert (said in found["notes"]) == (words == "pulse")


@pytest.mark.anyio
async def test_a_measurement_that_was_deleted_since_the_chart_was_read_is_not_in_it(tmp_path: Path) -> None:
    class LongChart:
        def resources(self) -> Iterator[dict[str, Any]]:
            yield {"resourceType": "Patient", "id": "A"}
            for n in range(201):
                yield observation(f"o{n}", "A", code=PULSE, effectiveDateTime="2026-01-01")
            yield observation("z", "A", code={"text": "Zorbinol screen"}, effectiveDateTime="2020-01-01")

        def digest(self) -> str:
            return "long"

    store = open_store(tmp_path / "store.db", LongChart())
    store.connection.execute("UPDATE resource SET updated = updated - 3600000")  # an hour ago
    app = create_app(store)
    async with session(app, "A") as client, http_to(app, "http://x/fhir") as http:
        before = data(await client.call_tool("lookup_code", {"text": "zorbinol"}))
        assert (await http.delete("/Observation/z")).is_success
        after = data(await client.call_tool("lookup_code", {"text": "zorbinol"}))
    store.close()
    assert in_chart(before) == {"Zorbinol screen": 1}
    assert in_chart(after) == {}
    assert after["finding"] == "nothing_recorded"


def searchset(request: Request, matches: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(bundle(request, matches).body))
    return found


@pytest.mark.parametrize(
    "words", ["", "  ", "|", "-,-", "LOINC|", "http://loinc.org|4548-4,http://loinc.org|2345-7"]
)
@pytest.mark.anyio
async def test_what_is_no_word_and_no_single_code_is_refused(embedded: Starlette, words: str) -> None:
    async with session(embedded, OKAFOR) as client:
        result = await client.call_tool("lookup_code", {"text": words})
    assert result.is_error
    assert "one word, name or code" in text(result)


@pytest.mark.anyio
async def test_a_code_that_stands_in_the_chart_under_another_says_so(embedded: Starlette) -> None:
    other = await looked_up(embedded, OKAFOR, "SNOMED CT|59621000")
    assert in_chart(other) == {"Hypertensive disorder, systemic arterial": 1}
    assert any("No record here bears `SNOMED CT|59621000` itself" in note for note in other["notes"])
    same = await looked_up(embedded, OKAFOR, "SNOMED CT|38341003")
    assert same["rows"] == other["rows"]
    assert not any("itself" in note for note in same["notes"])


@pytest.mark.anyio
async def test_a_code_is_found_as_people_write_it(embedded: Starlette) -> None:
    token = await looked_up(embedded, OKAFOR, "RxNorm|314076")
    assert in_chart(token) == {"lisinopril 10 MG Oral Tablet": 1}
    for written in ("RxNorm 314076", "rxcui: 314076", "RxNorm code 314076"):
        assert (await looked_up(embedded, OKAFOR, written))["rows"] == token["rows"]


@pytest.mark.anyio
async def test_a_word_of_the_charts_names_is_found_where_the_dictionary_knows_the_code(
    embedded: Starlette,
) -> None:
    found = await looked_up(embedded, OKAFOR, "hypertensive systemic")
    assert in_chart(found) == {"Hypertensive disorder, systemic arterial": 1}
    assert "`hypertensive systemic` read as Hypertension." in found["notes"]
    assert in_chart(await looked_up(embedded, OKAFOR, "serum plasma"))


@pytest.mark.anyio
async def test_what_the_chart_lacks_is_said_of_the_records_that_were_read(embedded: Starlette) -> None:
    lacking = await looked_up(embedded, OKAFOR, "statin")
    assert lacking["notes"] == ["This chart has no record of `statin` among its medications, allergies."]


@pytest.mark.anyio
async def test_a_panel_finds_its_measurements(embedded: Starlette) -> None:
    found = await looked_up(embedded, "hard-henrik-olsen", "BMP")
    alone = [
        await looked_up(embedded, "hard-henrik-olsen", words)
        for words in ("creatinine", "potassium", "sodium")
    ]
    assert in_chart(alone[0])
    for one in alone:
        assert in_chart(one).items() <= in_chart(found).items()
    assert "Creatinine" in found["rows"][-1]["members"]


def test_no_concept_has_more_codes_than_one_search_is_asked_for() -> None:
    for concept in concepts():
        measured = [one for one in family([concept]) if one.kind == "measurement"]
        assert sum(len(one.codes) for one in measured) <= _TOKENS


@pytest.mark.anyio
async def test_a_drug_tells_of_an_allergy_to_its_class(embedded: Starlette) -> None:
    told = (
        "Recorded allergy related to `amoxicillin` by class (penicillin): Penicillin"
        " (AllergyIntolerance/hard-amara-okafor-penicillin)."
    )
    assert told in (await looked_up(embedded, OKAFOR, "amoxicillin"))["notes"]
    for other in ("metformin", "Bactrim"):  # her allergy to sulfonamides is refuted
        assert not any("related" in note for note in (await looked_up(embedded, OKAFOR, other))["notes"])


@pytest.mark.anyio
async def test_a_disease_shows_the_codes_of_the_vaccines_against_it(embedded: Starlette) -> None:
    rows = (await looked_up(embedded, OKAFOR, "tetanus"))["rows"]
    (vaccine,) = [row for row in rows if row["kind"] == "vaccine (dictionary)"]
    assert "Tdap vaccine" in vaccine["members"]
    assert vaccine["codes"]["CVX"][0] == "139"
