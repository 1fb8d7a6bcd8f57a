"""Chart sets on disk."""

import json
import lzma
from pathlib import Path

import pytest

from fhir_fixtures.generate.references import Resource
from fhir_fixtures.generate.writing import ndjson, write_manifest, write_set

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"given": ["Ana", "Rosa"], "family": "Gil"}],
    "birthDate": "2001",
    "gender": "female",
}
WEIGHT: Resource = {"resourceType": "Observation", "id": "w", "subject": {"reference": "Patient/p"}}


def test_a_set_is_written_in_load_order_with_an_entry_that_describes_it(tmp_path: Path) -> None:
    entry = write_set(tmp_path, "tiny", [WEIGHT, PATIENT], {"name": "by hand"}, {"Claim"})
    lines = lzma.decompress((tmp_path / "tiny.ndjson.xz").read_bytes()).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["p", "w"]
    assert entry["types"] == {"Observation": 1, "Patient": 1}
    assert entry["left_out"] == ["Claim"]
    patient = {"id": "p", "name": "Ana Rosa Gil", "birth_date": "2001", "sex": "female", "set": "tiny"}
    assert entry["patients"] == [{**patient, "resources": 2}]


def test_the_same_content_gives_the_same_bytes_whatever_its_order() -> None:
    turned = {key: PATIENT[key] for key in reversed(PATIENT)}
    assert ndjson([WEIGHT, PATIENT]) == ndjson([turned, WEIGHT])


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Patient/p"):
        write_set(tmp_path, "tiny", [PATIENT, dict(PATIENT)], {}, set())


def test_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"references to nothing \['Patient/p'\]"):
        write_set(tmp_path, "tiny", [WEIGHT], {}, set())


def test_the_manifest_holds_all_patients_in_one_list(tmp_path: Path) -> None:
    entry = write_set(tmp_path, "tiny", [PATIENT], {}, set())
    write_manifest(tmp_path, "2026-11-01", [entry])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [patient["id"] for patient in manifest["patients"]] == ["p"]
    assert "patients" not in manifest["sets"][0]
