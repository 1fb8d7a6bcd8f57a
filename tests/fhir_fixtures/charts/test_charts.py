"""The committed charts: complete, valid R4, fit for one server, and as their manifest and README say."""

import hashlib
import lzma
import re
from collections import Counter
from typing import Any

import pytest
from fhirclient.models.fhirelementfactory import FHIRElementFactory  # type: ignore[import-untyped]

from fhir_fixtures import charts
from fhir_fixtures.generate.references import name_of, patient_of, references_in, within


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    return list(charts.resources())


@pytest.fixture(scope="module")
def places(resources: list[dict[str, Any]]) -> dict[str, int]:
    return {name_of(resource): place for place, resource in enumerate(resources)}


def test_they_fit_into_four_megabytes() -> None:
    files = [charts.HERE / entry["file"] for entry in charts.manifest()["sets"]]
    assert sum(path.stat().st_size for path in files) < 4_000_000


def test_the_manifest_tells_the_content_of_every_set() -> None:
    for entry in charts.manifest()["sets"]:
        content = lzma.decompress((charts.HERE / entry["file"]).read_bytes())
        assert hashlib.sha256(content).hexdigest() == entry["sha256_of_ndjson"]
        assert content.count(b"\n") == entry["resources"]


def test_the_manifest_lists_every_patient_and_counts_their_records(resources: list[dict[str, Any]]) -> None:
    about = Counter(map(patient_of, resources))
    listed = charts.patients()
    assert {f"Patient/{patient.id}": patient.resources for patient in listed} == {
        name: count for name, count in about.items() if name
    }
    assert Counter(patient.set for patient in listed) == {"life-long": 12, "inpatient": 22, "handmade": 9}


def test_no_id_stands_twice_and_all_are_ids_that_a_client_may_choose(resources: list[dict[str, Any]]) -> None:
    assert len({name_of(resource) for resource in resources}) == len(resources)
    for resource in resources:
        # HAPI refuses ids of digits alone from a client.
        assert re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9.-]{1,64}", resource["id"])


def test_every_relative_reference_resolves(resources: list[dict[str, Any]], places: dict[str, int]) -> None:
    dangling = {ref for resource in resources for ref in references_in(resource) if within(ref)} - set(places)
    assert not dangling


def test_what_a_resource_refers_to_comes_first_unless_it_refers_back(
    resources: list[dict[str, Any]], places: dict[str, int]
) -> None:
    for place, resource in enumerate(resources):
        for ref in filter(within, references_in(resource)):
            # Circles are small: an Encounter, the Conditions that it diagnosed, and nothing else.
            assert places[ref] < place + 4
            if places[ref] > place:
                assert {ref.split("/")[0], resource["resourceType"]} <= {"Encounter", "Condition"}


def test_resources_are_valid_r4(resources: list[dict[str, Any]]) -> None:
    """All hand-made ones, and every thirtieth of each type of the others (all take a quarter minute)."""
    seen: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    for resource in resources:
        kind = resource["resourceType"]
        if resource["id"].startswith("hard-") or seen[kind] % 30 == 0:
            FHIRElementFactory.instantiate(kind, resource).as_json()
            checked[kind] += 1
        seen[kind] += 1
    assert set(checked) == set(seen)


def test_the_readme_names_records_that_exist(places: dict[str, int]) -> None:
    ids = {name.split("/")[1] for name in places}
    _, _, cases = (charts.HERE / "README.md").read_text("utf-8").partition("\n## Hard cases")
    for section in cases.split("\n### ")[1:]:
        title, *rows = section.splitlines()
        patients = re.findall(r"`(hard-[a-z0-9-]+)`", title)
        for name in [
            name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else "")
        ]:
            assert ids & {name, *(f"{patient}-{name}" for patient in patients)}, name


def test_the_digest_is_of_the_files_and_reads_no_chart() -> None:
    assert re.fullmatch("[0-9a-f]{64}", charts.digest())
    assert charts.digest() == charts.digest()


def test_the_generated_charts_end_at_their_reference_date(resources: list[dict[str, Any]]) -> None:
    started = [
        resource["period"]["start"]
        for resource in resources
        if resource["resourceType"] == "Encounter" and not resource["id"].startswith("hard-")
    ]
    assert max(started)[:10] <= charts.as_of() == "2026-11-01"


def test_amara_okafors_last_hba1c_that_counts_is_not_the_newest(resources: list[dict[str, Any]]) -> None:
    results = sorted(
        (resource["effectiveDateTime"], resource["status"], resource["valueQuantity"]["value"])
        for resource in resources
        if resource["resourceType"] == "Observation"
        and patient_of(resource) == "Patient/hard-amara-okafor"
        and "4548-4" in {coding.get("code") for coding in resource["code"]["coding"]}
    )
    assert [(status, value) for _, status, value in results[-2:]] == [
        ("final", 7.1),
        ("entered-in-error", 11.9),
    ]
