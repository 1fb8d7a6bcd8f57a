"""Who is counted: as plain Python counts over the sample charts, on both servers; few records are read."""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from fhir_fixtures import charts
from tests.mcp_servers.fhir.conftest import NOW
from tests.mcp_servers.fhir.counting import counted, counting
from tests.mcp_servers.fhir.scripted import (
    Resource,
    ScriptedFhir,
    ScriptedRecorder,
    bundle,
    capability_statement,
    fhir,
    http_to,
)
from tests.mcp_servers.fhir.sessions import text

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


def below(category: str) -> Callable[[str, str], bool]:
    return lambda system, code: system.endswith("icd-10-cm") and code.startswith(category)


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
    "condition by a category of ICD-10": ({"condition": "E11"}, lambda c: c.conditions(below("E11"))),
    "condition by a code of ICD-10": ({"condition": "E11.9"}, lambda c: c.conditions(below("E11.9"))),
    "condition by a code of ICD-10 and its system": (
        {"condition": "ICD-10|j44"},
        lambda c: c.conditions(below("J44")),
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


@pytest.mark.parametrize("case", CASES)
@pytest.mark.anyio
async def test_counts_are_those_of_plain_python(samples: Starlette, chart: Chart, case: str) -> None:
    arguments, gold = CASES[case]
    async with http_to(samples, "http://x/fhir") as http:
        found = await counted(http, arguments)
    assert found["rows"][0]["patients"] == len(gold(chart))
    assert not found["truncated"]


@pytest.mark.hapi
@pytest.mark.usefixtures("hapi_turn")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.anyio
async def test_a_real_server_gives_the_same_counts(hapi_base: str, chart: Chart, case: str) -> None:
    arguments, gold = CASES[case]
    async with httpx.AsyncClient(base_url=hapi_base, timeout=60) as http:
        found = await counted(http, arguments)
    assert found["rows"][0]["patients"] == len(gold(chart))


@pytest.mark.anyio
async def test_the_server_counts_by_itself_where_no_record_is_to_be_left_out(samples: Starlette) -> None:
    recorder = ScriptedRecorder()
    async with http_to(samples, "http://x/fhir") as http, counting(http, 0, recorder) as client:
        asked = {"condition": "http://snomed.info/sct|44054006", "sex": "female"}
        await client.call_tool("count_patients", asked)
    urls = [url for _, url, _ in recorder.calls[0].requests]
    assert any("_has" in url and "gender=female" in url for url in urls)
    assert all("_count=1&" in url or url.endswith("/metadata") for url in urls)


@pytest.mark.anyio
async def test_a_code_shows_which_codes_are_counted_for_it(samples: Starlette) -> None:
    async with http_to(samples, "http://x/fhir") as http:
        problems = (await counted(http, {"condition": "E11"}))["rows"][0]
        drugs = await counted(http, {"medication": "RxNorm|6809"})
        by_name = await counted(http, {"medication": "metformin"})
    assert sorted(problems["codes"]) == ["ICD-10-CM|E11.10", "ICD-10-CM|E11.9"]
    assert drugs["rows"][0]["patients"] == by_name["rows"][0]["patients"]
    assert "`RxNorm|6809` is counted as metformin, under any code." in drugs["notes"]
    assert not any("counted as" in note for note in by_name["notes"])


def condition(number: int, code: str, display: str) -> Resource:
    coding = {"system": "http://snomed.info/sct", "code": code, "display": display}
    subject = {"reference": f"Patient/p{number}"}
    return {"resourceType": "Condition", "id": f"c{number}", "code": {"coding": [coding]}, "subject": subject}


def holding(*records: Resource) -> ScriptedFhir:
    """A server with these records, which holds conditions and medication statements too."""
    statement = capability_statement()
    for kind in ("Condition", "MedicationStatement"):
        statement["rest"][0]["resource"].append({"type": kind, "searchParam": []})
    return ScriptedFhir(list(records), {"metadata": lambda _: fhir(statement)})


@pytest.mark.anyio
async def test_a_condition_that_is_refuted_or_entered_in_error_counts_nobody_and_is_told() -> None:
    def verified(number: int, code: str) -> Resource:
        stated = {"verificationStatus": {"coding": [{"code": code}]}}
        return condition(number, "38341003", "Hypertension") | stated

    app = holding(*(verified(n, code) for n, code in enumerate(["confirmed", "refuted", "entered-in-error"])))
    async with http_to(app) as http:
        found = await counted(http, {"condition": "hypertension"})
    assert (found["rows"][0]["patients"], found["truncated"]) == (1, False)
    assert "condition: hypertension: records left out: 1 refuted, 1 entered in error." in found["notes"]


@pytest.mark.anyio
async def test_only_orders_in_force_and_statements_of_use_count_for_a_medication() -> None:
    def taken(who: str, kind: str = "MedicationRequest", **elements: Any) -> Resource:
        stated = {"status": "active", "intent": "order", "medicationCodeableConcept": {"text": "warfarin"}}
        about = {"subject": {"reference": f"Patient/{who}"}}
        return {"resourceType": kind, "id": who, **about, **stated, **elements}

    inside = [{"resourceType": "Medication", "id": "m", "code": {"text": "warfarin"}}]
    referring: Resource = {"medicationCodeableConcept": None, "medicationReference": {"reference": "#m"}}
    app = holding(
        taken("ordered"),
        taken("contained", contained=inside, **referring),
        taken("stated", "MedicationStatement"),
        taken("not-taken", "MedicationStatement", status="not-taken"),
        taken("wrong", status="entered-in-error"),
        taken("stopped", status="stopped"),
        taken("on-hold", status="on-hold"),
        taken("proposed", intent="proposal"),
        taken("forbidden", doNotPerform=True),
    )
    async with http_to(app) as http:
        found = await counted(http, {"medication": "warfarin"})
    assert (found["rows"][0]["patients"], found["truncated"]) == (3, False)
    said = " ".join(note for note in found["notes"] if "records left out" in note)
    for why in (
        "entered in error",
        "stopped",
        "on-hold",
        "only a proposal",
        "order not to give",
        "not-taken",
    ):
        assert f"1 {why}" in said


@pytest.mark.anyio
async def test_on_a_large_server_codes_are_the_dictionarys_and_those_met_and_the_count_says_so() -> None:
    statement = capability_statement()
    parameters = {"code": "token", "verification-status": "token", "patient": "reference"}
    listed = [{"name": name, "type": kind} for name, kind in parameters.items()]
    statement["rest"][0]["resource"].append({"type": "Condition", "searchParam": listed})
    first_of_many = [condition(n, "424242", "Hypertension, benign") for n in range(5_000)]
    coded = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10.9"}
    first_of_many[0]["code"]["coding"].append(coded)
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
        await counted(http, {"condition": "I10"})
    assert found["rows"][0]["patients"] == 1
    assert {"http://snomed.info/sct|424242", "http://snomed.info/sct|38341003"} <= set(seen[0].split(","))
    assert set(seen[-1].split(",")) == {"I10", "http://hl7.org/fhir/sid/icd-10-cm|I10.9"}
    assert found["truncated"]
    assert any("under other codes there may be more" in note for note in found["notes"])


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
