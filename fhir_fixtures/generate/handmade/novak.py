"""Tomáš Novák: references of every form, and records that touch two patients; a patient without a name."""

from fhir_fixtures.generate.handmade.building import (
    HL7,
    condition,
    encounter,
    loinc,
    observation,
    order,
    patient,
    quantity,
    record,
    ref,
    rxnorm,
    snomed,
)
from fhir_fixtures.generate.references import Resource

P = "hard-tomas-novak"
OTHER = "hard-mei-tanaka"
UNKNOWN = "hard-unknown-trauma"

HEART_RATE = loinc("8867-4", "Heart rate")


def records() -> list[Resource]:
    """His whole chart, and that of a person brought in without a name."""
    return [
        patient(
            P,
            "Tomáš",
            "Novák",
            "male",
            birthDate="1979-12-31",
            generalPractitioner=[ref("Practitioner/hard-dr-adeyemi", "Dr. Tunde Adeyemi")],
            managingOrganization={
                "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
            },
            link=[{"other": ref("https://old.example.org/fhir/Patient/4711"), "type": "seealso"}],
        ),
        *_references(),
        *_shared(),
        {
            "resourceType": "Patient",
            "id": UNKNOWN,
            "name": [{"text": "Unknown, trauma room 4"}],
            "gender": "unknown",
        },
    ]


def _references() -> list[Resource]:
    contained = {"resourceType": "Practitioner", "id": "locum", "name": [{"text": "Dr. A. Locum"}]}
    return [
        encounter(P, "visit", "AMB", "2026-05-05T10:00:00+02:00", "2026-05-05T10:30:00+02:00"),
        observation(
            P,
            "rate-logical",
            HEART_RATE,
            "2026-05-05T10:05:00+02:00",
            category="vital-signs",
            valueQuantity=quantity(64, "/min"),
            performer=[{"identifier": {"system": "http://hospital.example.org/staff", "value": "N-204"}}],
        ),
        observation(
            P,
            "rate-absolute",
            HEART_RATE,
            "2026-05-06T10:05:00+02:00",
            category="vital-signs",
            valueQuantity=quantity(66, "/min"),
            performer=[ref("https://other.example.org/fhir/Practitioner/9", "Nurse elsewhere")],
        ),
        observation(
            P,
            "rate-contained",
            HEART_RATE,
            "2026-05-07T10:05:00+02:00",
            category="vital-signs",
            valueQuantity=quantity(71, "/min"),
            contained=[contained],
            performer=[ref("#locum")],
        ),
        observation(
            P,
            "rate-display",
            HEART_RATE,
            "2026-05-08T10:05:00+02:00",
            category="vital-signs",
            valueQuantity=quantity(69, "/min"),
            performer=[{"display": "School nurse"}],
        ),
        condition(
            P,
            "back-pain",
            snomed("279039007", "Low back pain"),
            onsetDateTime="2026-04",
            encounter=ref(f"Encounter/{P}-visit"),
        ),
        # In words alone: no code to search for.
        condition(P, "knees", {"text": "Bad knees, worse on stairs"}, recordedDate="2026-05-05"),
        order(
            P,
            "naproxen",
            "2026-05-05",
            medicationCodeableConcept=rxnorm("198014", "naproxen 500 MG Oral Tablet"),
            reasonReference=[ref(f"Condition/{P}-back-pain")],
        ),
    ]


def _shared() -> list[Resource]:
    """Records that name two patients: whose they are decides what a session bound to one of them may see."""
    return [
        # Measured by him, about her.
        observation(
            OTHER,
            "rate-by-son",
            HEART_RATE,
            "2026-07-10T20:00:00+09:00",
            category="vital-signs",
            valueQuantity=quantity(88, "/min"),
            performer=[ref(f"Patient/{P}", "Tomáš Novák")],
        ),
        {
            "resourceType": "Appointment",
            "id": "hard-family-appointment",
            "status": "booked",
            "description": "Family meeting about anticoagulation",
            "start": "2026-11-20T14:00:00+01:00",
            "end": "2026-11-20T14:30:00+01:00",
            "participant": [
                {"actor": ref(f"Patient/{P}"), "status": "accepted"},
                {"actor": ref(f"Patient/{OTHER}"), "status": "needs-action"},
            ],
        },
        record(
            "FamilyMemberHistory",
            P,
            "mother-thrombosis",
            status="completed",
            relationship={"coding": [{"system": f"{HL7}/v3-RoleCode", "code": "MTH", "display": "mother"}]},
            condition=[{"code": snomed("128053003", "Deep venous thrombosis")}],
        ),
        # About nobody: a device's own reading. No patient's lock lets it through.
        {
            "resourceType": "Observation",
            "id": "hard-no-subject",
            "status": "final",
            "code": loinc("60832-3", "Room temperature"),
            "effectiveDateTime": "2026-05-05T10:00:00+02:00",
            "valueQuantity": quantity(21, "Cel"),
        },
    ]
