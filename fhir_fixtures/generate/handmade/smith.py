"""Two men called John Smith: told apart by their birth dates, and by what is known of their allergies."""

from fhir_fixtures.generate.handmade.building import (
    allergy,
    condition,
    dosage,
    encounter,
    loinc,
    observation,
    order,
    patient,
    quantity,
    rxnorm,
    snomed,
)
from fhir_fixtures.generate.references import Resource

ELDER = "hard-john-smith-1950"
YOUNGER = "hard-john-smith-1987"

POTASSIUM = loinc("2823-3", "Potassium [Moles/volume] in Serum or Plasma")


def records() -> list[Resource]:
    """Both charts."""
    return [*_elder(), *_younger()]


def _elder() -> list[Resource]:
    """Asked, and said to have no allergies: a coded negation."""
    return [
        patient(ELDER, "John", "Smith", "male", birthDate="1950-07-02"),
        allergy(
            ELDER, "no-known-allergy", snomed("716186003", "No known allergy"), recordedDate="2025-04-11"
        ),
        condition(ELDER, "heart-failure", snomed("84114007", "Heart failure"), onsetDateTime="2021-08-19"),
        order(
            ELDER,
            "furosemide",
            "2021-08-20",
            medicationCodeableConcept=rxnorm("313988", "furosemide 40 MG Oral Tablet"),
            dosageInstruction=dosage("40 mg by mouth in the morning"),
        ),
        observation(
            ELDER,
            "potassium-2026-08",
            POTASSIUM,
            "2026-08-03T10:00:00Z",
            valueQuantity=quantity(3.2, "mmol/L"),
        ),
        encounter(ELDER, "visit-2026-08", "AMB", "2026-08-03T09:30:00Z", "2026-08-03T10:10:00Z"),
    ]


def _younger() -> list[Resource]:
    """Asked about problems, and said to have none; nobody has asked about allergies: there is no record."""
    return [
        patient(YOUNGER, "John", "Smith", "male", birthDate="1987-11-23"),
        condition(
            YOUNGER,
            "no-problems",
            snomed("160245001", "No current problems or disability"),
            recordedDate="2026-08-17",
        ),
        observation(
            YOUNGER,
            "potassium-2026-08",
            POTASSIUM,
            "2026-08-17T10:00:00Z",
            valueQuantity=quantity(4.6, "mmol/L"),
        ),
        encounter(YOUNGER, "visit-2026-08", "EMER", "2026-08-17T09:00:00Z", "2026-08-17T13:45:00Z"),
    ]
