"""What each kind of search parameter finds."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

_CASES = {
    # token
    "Patient?gender=male": "ben",
    "Patient?gender=http://hl7.org/fhir/administrative-gender|male": "ben",
    "Patient?gender=|male": "",
    "Patient?gender=MALE": "",
    "Patient?gender:not=male": "ana",
    "Patient?gender=male,female": "ana ben",
    "Patient?identifier=urn:mrn|mrn-ana": "ana",
    "Patient?identifier=mrn-ana": "ana",
    "Patient?identifier=|mrn-ana": "",
    "Patient?identifier=urn:mrn|": "ana ben",
    "Patient?phone=555-1": "ana",
    "Patient?email=555-1": "",
    "Patient?deceased=true": "ben",
    "Patient?deceased=false": "ana",
    "Observation?code:text=tobacco": "smoker",
    "Observation?code:bogus=2339-0": "glucose",
    "Patient?_id=ana,ben": "ana ben",
    "Patient?_id:not=ana": "ben",
    # string
    "Patient?family=muller": "ana",
    "Patient?family=ortiz": "",
    "Patient?family:contains=ORTIZ": "ana",
    "Patient?family:exact=Munroe": "ben",
    "Patient?family:exact=munroe": "",
    "Patient?name=be": "ben",
    "Patient?name:bogus=be": "ben",
    "Observation?value-string=never": "smoker",
    # reference
    "Observation?subject=Patient/ben": "smoker bp-low",
    "Observation?subject=ben": "smoker bp-low",
    "Observation?subject=http://embedded/fhir/Patient/ben": "smoker bp-low",
    "Observation?subject=http://elsewhere/fhir/Patient/ben": "",
    "Observation?subject:Patient=ben": "smoker bp-low",
    "Observation?subject:Group=ben": "",
    "Observation?patient=Patient/ben,Patient/ana&code=4548-4": "a1c-2019 a1c-2020",
    # date
    "Patient?birthdate=1950": "ana",
    "Patient?birthdate=1950-03-07": "ana",
    "Patient?birthdate=1990-01-01": "",
    "Patient?birthdate=ne1950": "ben",
    "Patient?birthdate=ge1950-03-07": "ana ben",
    "Patient?birthdate=gt1950-03-07": "ben",
    "Patient?birthdate=lt1990": "ana",
    "Patient?birthdate=le1990": "ana ben",
    "Observation?date=2019-05-03": "a1c-2019",
    "Observation?date=2019-05-04": "",
    "Observation?date=2019-05-04T04:30Z": "a1c-2019",
    "Observation?date=ge2020&date=lt2020-02": "glucose bp-high",
    "Observation?date=sa2020-01-02": "a1c-2020",
    "Observation?date=eb2019": "smoker",
    "Observation?date=ap2019-11-30&code=85354-9": "bp-high bp-low",
    "Encounter?date=2020-01": "",
    "Encounter?date=ge2024": "stay",
    "Encounter?date=sa2024": "",
    "Encounter?date=lt2020-01-02": "stay",
    # quantity
    "Observation?value-quantity=7.1": "a1c-2019",
    "Observation?value-quantity=7.10||%25": "a1c-2019",
    "Observation?value-quantity=ge6.5|http://unitsofmeasure.org|%25": "a1c-2019 a1c-2020",
    "Observation?value-quantity=gt6.5||mg/dL": "glucose",
    "Observation?value-quantity=ap100": "glucose",
    "Observation?value-quantity=ne99": "a1c-2019 a1c-2020",
    # composite: the code and the value must stand in one component
    "Observation?component-code-value-quantity=8480-6$gt140": "bp-high",
    "Observation?component-code-value-quantity=8462-4$gt100": "",
    "Observation?code-value-quantity=http://loinc.org|4548-4$lt7": "a1c-2020",
    "Observation?combo-code-value-quantity=8480-6$gt140,2339-0$99": "bp-high glucose",
    # missing
    "Observation?value-quantity:missing=false": "a1c-2019 a1c-2020 glucose",
    "Patient?general-practitioner:missing=true": "ben",
    "Observation?component-code-value-quantity:missing=false": "bp-high bp-low",
    # chains and the reverse
    "Observation?subject:Patient.family=munroe": "smoker bp-low",
    "Observation?patient.identifier=urn:mrn|mrn-ben": "smoker bp-low",
    "Observation?patient.name=ana&code=2339-0": "glucose",
    "Observation?patient.birthdate=lt1960&date=2019": "a1c-2019",
    "Observation?patient.general-practitioner.family=hale&code=2339-0": "glucose",
    "Patient?_has:Observation:patient:code=72166-2": "ben",
    "Patient?_has:Observation:patient:value-quantity=gt98": "ana",
    "Practitioner?_has:MedicationRequest:requester:status=active": "gp",
    # a parameter without a value is no condition
    "Patient?gender=": "ana ben",
}


def found(bundle: dict[str, object]) -> list[str]:
    entries = bundle.get("entry", [])
    assert isinstance(entries, list)
    return [entry["resource"]["id"] for entry in entries if entry["search"]["mode"] == "match"]


@pytest.mark.parametrize(("search", "expected"), _CASES.items(), ids=_CASES)
async def test_a_search_finds_what_meets_it(reader: httpx.AsyncClient, search: str, expected: str) -> None:
    response = await reader.get(search)
    assert response.status_code == 200
    assert set(found(response.json())) == set(expected.split())
    assert response.json()["total"] == len(expected.split())


@pytest.mark.parametrize(
    ("order", "expected"),
    {
        "date": "smoker a1c-2019 bp-low glucose bp-high a1c-2020",
        "-date": "a1c-2020 bp-high glucose bp-low a1c-2019 smoker",
        "patient,-date": "a1c-2020 bp-high glucose a1c-2019 bp-low smoker",
        "value-quantity,_id": "a1c-2020 a1c-2019 glucose bp-high bp-low smoker",
        "-value-quantity,-_id": "glucose a1c-2019 a1c-2020 smoker bp-low bp-high",
    }.items(),
)
async def test_matches_come_in_the_order_asked_for_and_those_without_a_value_last(
    reader: httpx.AsyncClient, order: str, expected: str
) -> None:
    response = await reader.get("Observation", params={"_sort": order})
    assert found(response.json()) == expected.split()


async def test_a_search_may_name_more_codes_than_an_expression_is_deep(reader: httpx.AsyncClient) -> None:
    codes = ",".join(f"http://loinc.org|{number}-{number}" for number in range(1500))
    response = await reader.post("Observation/_search", data={"code": f"{codes},4548-4"})
    assert set(found(response.json())) == {"a1c-2019", "a1c-2020"}


async def test_a_search_may_be_posted(reader: httpx.AsyncClient) -> None:
    response = await reader.post("Observation/_search?code=4548-4", data={"date": "2019"})
    assert found(response.json()) == ["a1c-2019"]


async def test_last_updated_is_the_time_of_the_write(writer: httpx.AsyncClient) -> None:
    before = (await writer.get("Patient/ana")).json()["meta"]["lastUpdated"]
    assert found((await writer.get("Patient", params={"_lastUpdated": f"gt{before}"})).json()) == []
    await writer.put("Patient/ana", json={"resourceType": "Patient", "id": "ana"})
    assert found((await writer.get("Patient", params={"_lastUpdated": f"gt{before}"})).json()) == ["ana"]
    assert found((await writer.get("Patient", params={"_lastUpdated": "lt2020"})).json()) == []


async def test_separators_in_a_value_are_escaped_with_a_backslash(writer: httpx.AsyncClient) -> None:
    name = "a,b|c$d\\e"
    body = {"resourceType": "Organization", "id": "odd", "name": name, "identifier": [{"value": name}]}
    await writer.put("Organization/odd", json=body)
    escaped = "a\\,b\\|c\\$d\\\\e"
    for parameter in ("name", "identifier"):
        assert found((await writer.get("Organization", params={parameter: escaped})).json()) == ["odd"]


@pytest.mark.parametrize(
    ("parameters", "brought"),
    {
        "_include=MedicationRequest:patient": "Patient/ana",
        "_include=MedicationRequest:subject:Group": "",
        "_include=*": "Patient/ana Encounter/stay Practitioner/gp",
        "_include=MedicationRequest:encounter&_include:iterate=Encounter:service-provider": (
            "Encounter/stay Organization/clinic"
        ),
        "_include=MedicationRequest:encounter&_include=Encounter:service-provider": "Encounter/stay",
    }.items(),
)
async def test_a_search_brings_along_what_its_matches_refer_to(
    reader: httpx.AsyncClient, parameters: str, brought: str
) -> None:
    bundle = (await reader.get(f"MedicationRequest?{parameters}")).json()
    assert found(bundle) == ["metformin"]
    included = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"][1:]}
    assert included == set(brought.split())
    assert bundle["total"] == 1


async def test_a_search_brings_along_what_refers_to_its_matches(reader: httpx.AsyncClient) -> None:
    bundle = (await reader.get("Patient?_id=ben&_revinclude=Observation:patient")).json()
    assert [e["search"]["mode"] for e in bundle["entry"]] == ["match", "include", "include"]
    assert {e["resource"]["id"] for e in bundle["entry"]} == {"ben", "smoker", "bp-low"}


async def test_elements_and_summaries_cut_resources_down_and_say_so(reader: httpx.AsyncClient) -> None:
    async def keys(parameters: str) -> set[str]:
        entry = (await reader.get(f"Observation?_id=glucose&{parameters}")).json()["entry"][0]
        resource = entry["resource"]
        assert resource["meta"]["tag"][0]["code"] == "SUBSETTED"
        return set(resource) - {"resourceType", "id", "meta"}

    assert await keys("_elements=subject") == {"subject", "status", "code"}
    assert await keys("_elements=Observation.valueQuantity") == {"valueQuantity", "status", "code"}
    assert await keys("_summary=text") == {"status", "code"}
    assert "effectiveDateTime" in await keys("_summary=true")


@pytest.mark.parametrize("parameters", ["_summary=count", "_count=0"])
async def test_a_count_brings_no_entries(reader: httpx.AsyncClient, parameters: str) -> None:
    bundle = (await reader.get(f"Observation?{parameters}")).json()
    assert bundle["total"] == 6
    assert "entry" not in bundle
