"""What the two generators have in common."""

import pytest

from fhir_fixtures.generate.generators import run, typeable_id


def _patient(family: str, *given: str) -> dict[str, object]:
    return {"resourceType": "Patient", "name": [{"given": list(given), "family": family}]}


def test_patient_ids_can_be_typed() -> None:
    assert typeable_id(_patient("Carrillo", "Luis Miguel")) == "luis-miguel-carrillo"
    assert typeable_id(_patient("O'Connor", "Adán")) == "adan-oconnor"


def test_a_generator_that_is_not_installed_is_told() -> None:
    with pytest.raises(SystemExit, match=r"no-such-generator is not installed: pip install"):
        run("no-such-generator --seed 1")
