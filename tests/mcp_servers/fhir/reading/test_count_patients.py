"""count_patients: against counts by plain Python over the sample charts, on both servers; what it hides."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures import charts
from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.surface.server import build_server
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.scripted import (
    Resource,
    ScriptedFhir,
    ScriptedRecorder,
    bundle,
    capability_statement,
    fhir,
    http_to,
    observation,
)
from tests.mcp_servers.fhir.sessions import data, text

Gold = Callable[["Chart"], set[str]]

STATINS = "atorvastatin|simvastatin|rosuvastatin|pravastatin|lovastatin|fluvastatin|pitavastatin"
A1C = {"4548-4", "17856-6", "41995-2", "59261-8", "4549-2", "71875-9"}


class Chart:
    """All records of the sample charts, by type."""

    def __init__(self) -> None:
        self.of: dict[str, list[Resource]] = defaultdict(list)
        for resource in charts.resources():
            self.of[resource["resourceType"]].append(resource)
        self.medications = {f"Medication/{one['id']}": one for one in self.of["Medication"]}

    def conditions(self, coded: Callable[[str, str], bool]) -> set[str]:
        return {
            patient(one)
            for one in self.of["Condition"]
            if verification(one) not in ("refuted", "entered-in-error")
            and any(coded(c["system"], c["code"]) for c in one.get("code", {}).get("coding", []))
        }

    def on(self, names: str) -> set[str]:
        found = set()
        for one in self.of["MedicationRequest"] + self.of["MedicationStatement"]:
            referred = self.medications.get((one.get("medicationReference") or {}).get("reference", ""), {})
            words = str(one.get("medicationCodeableConcept")) + str(referred.get("code"))
            if (
                one["status"] != "active"
                or one.get("doNotPerform")
                or one.get("intent") in ("proposal", "plan")
            ):
                continue
            if re.search(names, words, re.IGNORECASE):
                found.add(patient(one))
        return found

    def a1c(self, above: float, unit: str, latest: bool) -> set[str]:
        values: dict[str, list[tuple[str, float, str]]] = defaultdict(list)
        for one in self.of["Observation"]:
            codes = {c.get("code") for c in one["code"].get("coding", [])}
            if (
                codes & A1C
                and one["status"] not in ("entered-in-error", "cancelled")
                and "valueQuantity" in one
            ):
                quantity = one["valueQuantity"]
                value = quantity["value"]
                if quantity["unit"] == "mmol/mol" and unit == "%":
                    value = 0.09148 * value + 2.152
                values[patient(one)].append((one["effectiveDateTime"], value, unit))
        chosen = {who: [max(those)] if latest else those for who, those in values.items()}
        return {who for who, those in chosen.items() if any(v > above for _, v, _ in those)}

    def people(self, fits: Callable[[Resource], bool]) -> set[str]:
        return {one["id"] for one in self.of["Patient"] if fits(one)}


def patient(resource: Resource) -> str:
    return str(resource["subject"]["reference"].removeprefix("Patient/"))


def verification(condition: Resource) -> str | None:
    coding: Resource = (condition.get("verificationStatus") or {}).get("coding", [{}])[0]
    return coding.get("code")


def aged(person: Resource, low: int, high: int) -> bool:
    born = person.get("birthDate", "")
    if not born or "deceasedDateTime" in person or person.get("deceasedBoolean"):
        return False
    year, month, day = (int(part) for part in (born + "-01-01")[:10].split("-"))
    return low <= NOW.year - year - ((NOW.month, NOW.day) < (month, day)) <= high


def type_2(system: str, code: str) -> bool:
    return code == "44054006" or (system.endswith("icd-10-cm") and code.startswith("E11"))


CASES: dict[str, tuple[dict[str, Any], Gold]] = {
    "everybody": ({}, lambda c: c.people(lambda _: True)),
    "condition by name": ({"condition": "type 2 diabetes"}, lambda c: c.conditions(type_2)),
    "condition by code": (
        {"condition": "http://snomed.info/sct|44054006"},
        lambda c: c.conditions(lambda _, code: code == "44054006"),
    ),
    "condition by code of a system's short name": (
        {"condition": "SNOMED CT|44054006"},
        lambda c: c.conditions(lambda _, code: code == "44054006"),
    ),
    "refuted condition by code": (
        {"condition": "http://snomed.info/sct|13645005"},
        lambda c: c.conditions(lambda _, code: code == "13645005"),
    ),
    "medication class": ({"medication": "statins"}, lambda c: c.on(STATINS)),
    "medication by reference": ({"medication": "coumadin"}, lambda c: c.on("warfarin")),
    "latest value": ({"measurement": "a1c", "above": 7}, lambda c: c.a1c(7, "%", latest=True)),
    "any value": ({"measurement": "a1c", "above": 7, "value": "any"}, lambda c: c.a1c(7, "%", latest=False)),
    "age": ({"min_age": 40, "max_age": 65}, lambda c: c.people(lambda p: aged(p, 40, 65))),
    "sex": ({"sex": "female"}, lambda c: c.people(lambda p: p.get("gender") == "female")),
    "condition by code and sex": (
        {"condition": "http://snomed.info/sct|44054006", "sex": "female"},
        lambda c: c.conditions(lambda _, code: code == "44054006")
        & c.people(lambda p: p.get("gender") == "female"),
    ),
    "all together": (
        {"condition": "type 2 diabetes", "medication": "metformin", "measurement": "a1c", "above": 6,
         "min_age": 40},
        lambda c: c.conditions(type_2)
        & c.on("metformin")
        & c.a1c(6, "%", latest=True)
        & c.people(lambda p: aged(p, 40, 150)),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def chart() -> Chart:
    return Chart()


@pytest.fixture(scope="module")
def store(sample_charts: Path) -> Iterator[Any]:
    """The embedded store with the sample charts."""
    store = open_store(sample_charts)
    yield create_app(store)
    store.close()


@asynccontextmanager
async def counting(
    http: httpx.AsyncClient, smallest: int = 0, recorder: ScriptedRecorder | None = None
) -> AsyncIterator[Client]:
    server = build_server(
        FhirClient(http),
        recorder or ScriptedRecorder(),
        patient=None,
        now=NOW,
        cohorts=True,
        smallest_count=smallest,
    )
    async with Client(server) as client:
        yield client


async def counted(http: httpx.AsyncClient, arguments: dict[str, Any], smallest: int = 0) -> Any:
    async with counting(http, smallest) as client:
        return data(await client.call_tool("count_patients", arguments))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.anyio
async def test_counts_are_those_of_plain_python(store: Any, chart: Chart, case: str) -> None:
    arguments, gold = CASES[case]
    async with http_to(store, "http://x/fhir") as http:
        found = await counted(http, arguments)
    assert found["rows"][0]["patients"] == len(gold(chart))
    assert not found["truncated"]


@pytest.mark.hapi
@pytest.mark.parametrize("case", CASES)
@pytest.mark.anyio
async def test_a_real_server_gives_the_same_counts(hapi_base: str, chart: Chart, case: str) -> None:
    arguments, gold = CASES[case]
    async with httpx.AsyncClient(base_url=hapi_base, timeout=60) as http:
        found = await counted(http, arguments)
    assert found["rows"][0]["patients"] == len(gold(chart))


@pytest.mark.anyio
async def test_the_server_counts_by_itself_where_no_record_is_to_be_left_out(store: Any) -> None:
    recorder = ScriptedRecorder()
    async with http_to(store, "http://x/fhir") as http, counting(http, 0, recorder) as client:
        asked = {"condition": "http://snomed.info/sct|44054006", "sex": "female"}
        await client.call_tool("count_patients", asked)
    urls = [url for _, url, _ in recorder.calls[0].requests]
    assert any("_has" in url and "gender=female" in url for url in urls)
    assert all("_count=1&" in url or url.endswith("/metadata") for url in urls)


@pytest.mark.parametrize(
    ("given", "converted"),
    [
        ({"measurement": "weight", "above": 90, "unit": "kg"}, {"above": 198.416, "unit": "lb"}),
        ({"measurement": "temperature", "above": 37.5}, {"above": 99.5, "unit": "F"}),
        ({"measurement": "glucose", "above": 126, "unit": "mg/dL"}, {"above": 6.994, "unit": "mmol/L"}),
        ({"measurement": "a1c", "above": 7, "unit": "%"}, {"above": 53, "unit": "mmol/mol"}),
    ],
)
@pytest.mark.anyio
async def test_a_threshold_in_another_unit_counts_the_same_patients(
    store: Any, given: dict[str, Any], converted: dict[str, Any]
) -> None:
    async with http_to(store, "http://x/fhir") as http:
        plain = await counted(http, given)
        other = await counted(http, given | converted)
    assert other["rows"][0]["patients"] == plain["rows"][0]["patients"] > 0
    assert not other["truncated"]


@pytest.mark.anyio
async def test_a_unit_in_which_nothing_can_be_compared_is_refused_with_those_recorded(store: Any) -> None:
    async with http_to(store, "http://x/fhir") as http, counting(http) as client:
        for unit, said in (("cm", "one of those recorded: kg"), ("zorb", "must be a UCUM unit")):
            asked = {"measurement": "weight", "above": 1, "unit": unit}
            result = await client.call_tool("count_patients", asked)
            assert text(result).startswith("[invalid_request]")
            assert said in text(result)


@pytest.mark.anyio
async def test_nobody_found_beside_values_that_are_not_compared_is_not_nothing_recorded() -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
    quantities = {"p1": {"value": 6, "unit": "%"}, "p2": {"value": 9, "unit": "zorb"}}
    results = [observation(who, who, code=code, valueQuantity=one) for who, one in quantities.items()]
    async with http_to(ScriptedFhir(results)) as http:
        found = await counted(http, {"measurement": "a1c", "above": 7})
    assert (found["rows"][0]["patients"], found["finding"], found["truncated"]) == (0, "recorded", True)
    assert "Not exact" in found["notes"][0]


@pytest.mark.anyio
async def test_a_call_names_no_patient_and_is_on_the_trail_with_its_query(store: Any) -> None:
    recorder = ScriptedRecorder()
    asked = {"condition": "type 2 diabetes", "medication": "metformin"}
    async with http_to(store, "http://x/fhir") as http, counting(http, 0, recorder) as client:
        result = await client.call_tool("count_patients", asked)
    (call,) = recorder.calls
    assert {name: value for name, value in call.arguments.items() if value is not None} == {
        **asked,
        "value": "latest",
    }
    assert call.patient is None
    assert call.completion is not None
    assert (call.completion["patients"], call.completion["refs"]) == ([], [])
    answered = text(result) + str(data(result))
    assert not any(one.id in answered or one.name in answered for one in charts.patients())


@pytest.mark.anyio
async def test_small_counts_and_what_gives_them_away_are_not_shown(store: Any, chart: Chart) -> None:
    women = len(chart.people(lambda p: p.get("gender") == "female"))
    async with http_to(store, "http://x/fhir") as http:
        few = await counted(http, {"condition": "gout"}, smallest=5)
        apart = await counted(http, {"sex": "female", "min_age": 0}, smallest=women)
        plain = await counted(http, {"sex": "female"}, smallest=5)
    assert few["rows"][0]["patients"] == "<5"
    assert apart["rows"][0]["patients"] in (f"<{women}", "not shown")
    assert plain["rows"][0]["patients"] == women
    assert not any("left out" in note for note in few["notes"])


@pytest.mark.parametrize("sex", ["female", "other"])
@pytest.mark.anyio
async def test_of_a_few_patients_nobody_learns_whether_some_or_none_meet_the_rest(
    store: Any, chart: Chart, sex: str
) -> None:
    asked = {"condition": "gout", "sex": sex}
    async with http_to(store, "http://x/fhir") as http:
        exact = await counted(http, asked)
        found = await counted(http, asked, smallest=30)
    assert (exact["rows"][0]["patients"] == 0) == (sex == "other")
    assert [row["patients"] for row in found["rows"][:2]] == ["not shown", "<30"]
    assert found["finding"] == "recorded"


@pytest.mark.anyio
async def test_counting_is_offered_only_with_the_permission_and_only_unbound(store: Any) -> None:
    async with http_to(store, "http://x/fhir") as http:
        for patient_bound, cohorts in ((None, False), ("hard-amara-okafor", True)):
            server = build_server(
                FhirClient(http), ScriptedRecorder(), patient=patient_bound, now=NOW, cohorts=cohorts
            )
            async with Client(server) as client:
                offered = {tool.name for tool in (await client.list_tools()).tools}
                refused = await client.call_tool("count_patients", {})
            assert "count_patients" not in offered
            assert refused.is_error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"measurement": "a1c"}, "needs `above` or `below`"),
        ({"above": 7}, "needs `above` or `below`"),
        ({"condition": "zorbitis"}, "no condition that the dictionary knows"),
        ({"medication": "diabetes"}, "no drug that the dictionary knows"),
        ({"condition": "diabetes and gout"}, "may mean Diabetes mellitus, Gout; ask for one"),
        ({"measurement": "troponin", "above": 1}, "may mean Troponin I, Troponin T"),
    ],
)
@pytest.mark.anyio
async def test_criteria_that_cannot_be_read_say_what_to_give(
    store: Any, arguments: dict[str, Any], said: str
) -> None:
    async with http_to(store, "http://x/fhir") as http, counting(http) as client:
        result = await client.call_tool("count_patients", arguments)
    assert text(result).startswith("[invalid_request]")
    assert said in text(result)


def condition(number: int, code: str, display: str) -> Resource:
    coding = {"system": "http://snomed.info/sct", "code": code, "display": display}
    subject = {"reference": f"Patient/p{number}"}
    return {"resourceType": "Condition", "id": f"c{number}", "code": {"coding": [coding]}, "subject": subject}


@pytest.mark.anyio
async def test_on_a_large_server_codes_are_the_dictionarys_and_those_met_and_the_count_says_so() -> None:
    statement = capability_statement()
    parameters = {"code": "token", "verification-status": "token", "patient": "reference"}
    listed = [{"name": name, "type": kind} for name, kind in parameters.items()]
    statement["rest"][0]["resource"].append({"type": "Condition", "searchParam": listed})
    first_of_many = [condition(n, "424242", "Hypertension, benign") for n in range(5_000)]
    people = [{"resourceType": "Patient", "id": "p1"}]
    seen: list[str] = []

    def conditions(request: Request) -> Response:
        if "code" in request.query_params:
            return bundle(request, [])
        return bundle(request, first_of_many, following="http://scripted/fhir/Condition?page=2")

    def patients(request: Request) -> Response:
        seen.append(request.query_params["_has:Condition:patient:code"])
        return bundle(request, people)

    script = {"metadata": lambda _: fhir(statement), "Condition": conditions, "Patient": patients}
    async with http_to(ScriptedFhir(script=script)) as http:
        found = await counted(http, {"condition": "hypertension"})
    assert found["rows"][0]["patients"] == 1
    assert {"http://snomed.info/sct|424242", "http://snomed.info/sct|38341003"} <= set(seen[0].split(","))
    assert found["truncated"]
    assert any("under other codes there may be more" in note for note in found["notes"])


@pytest.mark.anyio
async def test_a_value_to_come_withdrawn_or_with_a_comparator_is_left_out_and_said() -> None:
    def result(who: str, **more: Any) -> Resource:
        coding = {"system": "http://loinc.org", "code": "4548-4"}
        quantity = {"value": 8, "unit": "%"}
        at = {"effectiveDateTime": "2026-01-01", "valueQuantity": quantity}
        return observation(who, who, code={"coding": [coding]}, **{**at, **more})

    results = [
        result("p1"),
        result("p2", effectiveDateTime="2026-12-24"),
        result("p3", status="entered-in-error"),
        result("p4", valueQuantity={"value": 64, "unit": "mmol/mol"}),
        result("p5", valueQuantity={"value": 8, "unit": "%", "comparator": ">"}),
        result("p6", valueQuantity={"value": 6, "unit": "%"}),
        result("p7", subject={"reference": "Group/g"}),
        result("p8", valueQuantity=None, valueString="high"),
    ]
    async with http_to(ScriptedFhir(results)) as http:
        found = await counted(http, {"measurement": "a1c", "above": 7})
    assert found["rows"][0]["patients"] == 2
    said = " ".join(found["notes"])
    for part in (
        "1 dated after now",
        "1 entered-in-error",
        "1 without a patient",
        "1 without a number",
        "1 in > %",
        "in %, as recorded: 2 %, 1 mmol/mol",
    ):
        assert part in said, part


@pytest.mark.anyio
async def test_a_server_that_drops_a_filter_is_found_out() -> None:
    statement = capability_statement()
    statement["rest"][0]["resource"][0]["searchParam"].append({"name": "gender", "type": "token"})
    people = [{"resourceType": "Patient", "id": str(n)} for n in range(3)]
    app = ScriptedFhir(
        script={
            "metadata": lambda _: fhir(statement),
            "Patient": lambda request: bundle(request, people, own="http://scripted/fhir/Patient"),
        }
    )
    async with http_to(app) as http, counting(http) as client:
        result = await client.call_tool("count_patients", {"sex": "female"})
    assert text(result).startswith("[server_failed]")
