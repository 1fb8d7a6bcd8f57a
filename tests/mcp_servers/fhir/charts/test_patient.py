"""The patient's own row."""

from typing import Any

import pytest

from mcp_servers.fhir.charts import patient_row

MR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
LUCIA: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "lucia",
    "identifier": [{"value": "SSN-1"}, {"type": MR, "value": "MRN-2"}],
    "name": [
        {"use": "maiden", "family": "Sousa", "given": ["Lúcia"]},
        {"use": "official", "family": "Fernandes", "given": ["Lúcia", "Maria"]},
    ],
    "gender": "female",
    "birthDate": "1942-03-01",
}


def test_a_patient_is_named_officially_and_identified_by_the_medical_record_number() -> None:
    assert patient_row(LUCIA, "2026-11-22") == {
        "ref": "Patient/lucia",
        "name": "Lúcia Maria Fernandes",
        "birth_date": "1942-03-01",
        "sex": "female",
        "identifier": "MRN-2",
        "age": 84,
    }


@pytest.mark.parametrize(
    ("died", "deceased", "age"),
    [
        ({"deceasedDateTime": "2024-02-29T23:30:00-05:00"}, "2024-02-29T23:30:00-05:00", 81),
        ({"deceasedDateTime": "2024"}, "2024", None),
        ({"deceasedBoolean": True}, True, None),
        ({"deceasedBoolean": False}, False, 84),
    ],
)
def test_age_is_counted_to_the_date_of_death(died: dict[str, Any], deceased: object, age: int | None) -> None:
    row = patient_row(LUCIA | died, "2026-11-22")
    assert (row["deceased"], row.get("age")) == (deceased, age)


def test_a_patient_without_a_name_or_birth_date_is_still_a_row() -> None:
    trauma = {"resourceType": "Patient", "id": "x", "name": [{"text": "Unknown, trauma room 4"}]}
    assert patient_row(trauma, "2026-11-22") == {"ref": "Patient/x", "name": "Unknown, trauma room 4"}
