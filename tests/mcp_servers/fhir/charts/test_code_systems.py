"""Code systems by their short names: what the tools print can be asked for."""

from typing import Any

import pytest
from starlette.applications import Starlette

from mcp_servers.fhir.charts import addressed, list_records, short_name
from mcp_servers.fhir.charts.code_systems import CVX, ICD10, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED
from tests.mcp_servers.fhir.charts.records import NOW, coded, condition
from tests.mcp_servers.fhir.sessions import data, session


@pytest.mark.parametrize("system", [LOINC, SNOMED, RXNORM, CVX, ICD10CM, ICD10])
def test_a_token_with_the_short_name_of_its_system_is_one_with_its_address(system: str) -> None:
    for short in (short_name(system), short_name(system).lower().replace(" ", "").replace("-", "")):
        assert addressed(f"{short}|A1.2") == f"{system}|A1.2"


@pytest.mark.parametrize(
    "token",
    ["4548-4", "|4548-4", "http://loinc.org|4548-4", "local|LOINC", "a,b", "", "vitamin B12", "code 4548-4",
     "SNOMED CT", "4548-4 LOINC"],
)  # fmt: skip
def test_other_tokens_stay_as_they_are(token: str) -> None:
    assert addressed(token) == token


@pytest.mark.parametrize(
    ("written", "token"),
    [
        ("LOINC 4548-4", f"{LOINC}|4548-4"),
        ("ICD-10-CM: I10", f"{ICD10CM}|I10"),
        ("icd 10 e11.9", f"{ICD10}|e11.9"),
        ("CVX code 08", f"{CVX}|08"),
        ("sct|73211009", f"{SNOMED}|73211009"),
        ("RxCUI 29046", f"{RXNORM}|29046"),
    ],
)
def test_a_code_after_the_name_of_its_system_is_a_token(written: str, token: str) -> None:
    assert addressed(written) == token


def test_each_token_of_a_search_is_read() -> None:
    assert addressed("LOINC|4548-4,SNOMED|73211009,7") == f"{LOINC}|4548-4,{SNOMED}|73211009,7"


@pytest.mark.parametrize(
    ("asked", "system", "code", "borne"),
    [
        ("J45", ICD10CM, "J45.909", True),
        ("j45.909", ICD10CM, "J45.909", True),
        ("J45909", ICD10CM, "J45.909", True),
        ("ICD10|J45.909", ICD10CM, "J45.909", True),
        ("ICD-10-CM: j45.9", ICD10, "J45.909", True),
        ("http://LOINC.org/|abc-1", LOINC, "ABC-1", True),
        ("snomed_ct|73211009", SNOMED, "73211009", True),
        ("J45.909", ICD10CM, "J45", False),
        ("J4", ICD10CM, "J45.909", False),
        ("J45", "urn:local", "J45.909", False),
        ("7321", SNOMED, "73211009", False),
        ("ICD10|73211009", SNOMED, "73211009", False),
    ],
)
def test_records_are_found_by_a_code_in_any_case_and_by_the_category_above_it(
    asked: str, system: str, code: str, borne: bool
) -> None:
    chart = [condition("a", "", code=coded(system, code))]
    answer = list_records("problems", chart, code=addressed(asked), now=NOW)
    told = [note for note in answer.notes if note.startswith("None of the records of this kind (1) bears")]
    assert (len(answer.rows), len(told)) == ((1, 0) if borne else (0, 1))


@pytest.mark.parametrize(
    ("tool", "asked"),
    [
        ("observations", {"name": "LOINC|4548-4"}),
        ("list_records", {"kind": "problems", "code": "SNOMED CT|44054006"}),
        ("lookup_code", {"text": "SNOMED CT|44054006"}),
        (
            "fhir_search",
            {"resource_type": "Observation", "parameters": [{"name": "code", "value": "LOINC|4548-4"}]},
        ),
    ],
)
@pytest.mark.anyio
async def test_the_tools_take_the_names_of_code_systems_that_they_print(
    embedded: Starlette, tool: str, asked: dict[str, Any]
) -> None:
    async with session(embedded, "hard-amara-okafor") as client:
        found = data(await client.call_tool(tool, asked))
    assert found["finding"] == "recorded"
    assert found["rows"]
