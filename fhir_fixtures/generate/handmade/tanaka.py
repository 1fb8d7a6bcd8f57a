"""Mei Tanaka: medications named in all three ways, in every status, and given, dispensed or reported."""

from typing import Any

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
    record,
    ref,
    rxnorm,
    snomed,
)
from fhir_fixtures.generate.references import Resource

P = "hard-mei-tanaka"
HEPARIN = "hard-medication-heparin"
WARFARIN = "hard-medication-warfarin"
STAY = ref(f"Encounter/{P}-stay")


def records() -> list[Resource]:
    """Her whole chart, and the Medications that it shares with others."""
    return [
        _medication(WARFARIN, rxnorm("855332", "warfarin sodium 5 MG Oral Tablet")),
        _medication(HEPARIN, rxnorm("1361615", "heparin sodium, porcine 1000 UNT/ML Injectable Solution")),
        patient(P, "Mei", "Tanaka", "female", birthDate="1955-02-28", maritalStatus={"text": "Widowed"}),
        encounter(
            P,
            "stay",
            "IMP",
            "2026-07-01T14:00:00+09:00",
            "2026-07-06T10:00:00+09:00",
            diagnosis=[{"condition": ref(f"Condition/{P}-thrombosis")}],
        ),
        # The stay names its diagnosis, the diagnosis names the stay: neither can be loaded before the other.
        condition(
            P,
            "thrombosis",
            snomed("128053003", "Deep venous thrombosis"),
            onsetDateTime="2026-07-01",
            encounter=STAY,
        ),
        *_orders(),
        *_given(),
        _inr("inr-07-04", "2026-07-04T06:00:00+09:00", {"value": 1.4}),
        _inr("inr-07-06", "2026-07-06T06:00:00+09:00", {"value": 2.6, "unit": "{INR}", "code": "{INR}"}),
        _inr("inr-09-01", "2026-09-01T09:00:00+09:00", {"value": 8.0, "comparator": ">"}),
        # Recorded by another patient, her son: his record in the compartment of R4, hers in fact.
        allergy(
            P,
            "seafood",
            snomed("227037002", "Fish and seafood"),
            verification="unconfirmed",
            recordedDate="2026-07-02",
            recorder=ref("Patient/hard-tomas-novak", "Tomáš Novák (son)"),
        ),
    ]


def _inr(name: str, when: str, measured: dict[str, object]) -> Resource:
    """A ratio: it has no unit, or one in braces that says as much."""
    if "code" in measured:
        measured["system"] = "http://unitsofmeasure.org"
    return observation(
        P, name, loinc("34714-6", "INR in Blood by Coagulation assay"), when, valueQuantity=measured
    )


def _medication(id: str, code: dict[str, object]) -> Resource:  # noqa: A002
    return {"resourceType": "Medication", "id": id, "status": "active", "code": code}


def _orders() -> list[Resource]:
    contained = {
        "resourceType": "Medication",
        "id": "mixture",
        "code": {"text": "Magic mouthwash (lidocaine, antacid, diphenhydramine 1:1:1)"},
    }
    return [
        # Named by reference, by a contained resource, by code, and by words alone.
        order(P, "warfarin", "2026-07-05", medicationReference=ref(f"Medication/{WARFARIN}")),
        order(P, "mouthwash", "2026-07-03", contained=[contained], medicationReference=ref("#mixture")),
        order(
            P,
            "amlodipine",
            "2025-03-30",
            medicationCodeableConcept=rxnorm("197361", "amlodipine 5 MG Oral Tablet"),
            dosageInstruction=dosage("5 mg by mouth once a day"),
        ),
        order(
            P, "herbal-tea", "2026-01-08", medicationCodeableConcept={"text": "Gan mao tea, two cups a day"}
        ),
        # Known by its number in the pharmacy's system alone.
        order(
            P,
            "compounded-cream",
            "2026-05-22",
            medicationReference={
                "identifier": {"system": "http://pharmacy.example.org/items", "value": "CR-4471"},
                "display": "Compounded hydrocortisone cream",
            },
        ),
        # Lives on another server: not to be followed.
        order(
            P,
            "eye-drops",
            "2026-06-11",
            medicationReference=ref(
                "https://eyes.example.org/fhir/Medication/77a", "Timolol 0.5 % eye drops"
            ),
        ),
        order(
            P, "heparin", "2026-07-01", status="completed", medicationReference=ref(f"Medication/{HEPARIN}")
        ),
        order(
            P,
            "apixaban",
            "2026-07-04",
            status="cancelled",
            medicationCodeableConcept=rxnorm("1364430", "apixaban"),
        ),
        order(
            P,
            "simvastatin",
            "2020-10-10",
            status="unknown",
            medicationCodeableConcept=rxnorm("312961", "simvastatin 20 MG Oral Tablet"),
        ),
        order(
            P,
            "vitamin-k-plan",
            "2026-07-05",
            intent="plan",
            medicationCodeableConcept=rxnorm("11258", "vitamin K"),
        ),
    ]


def _given() -> list[Resource]:
    def dose(name: str, when: str, status: str, **elements: Any) -> Resource:
        return record(
            "MedicationAdministration",
            P,
            name,
            status=status,
            medicationReference=ref(f"Medication/{HEPARIN}"),
            effectiveDateTime=when,
            context=STAY,
            request=ref(f"MedicationRequest/{P}-heparin"),
            **elements,
        )

    return [
        dose(
            "heparin-bolus",
            "2026-07-01T15:10:00+09:00",
            "completed",
            dosage={"text": "5000 units IV", "dose": quantity(5000, "[iU]")},
        ),
        dose(
            "heparin-refused",
            "2026-07-02T08:00:00+09:00",
            "not-done",
            statusReason=[{"text": "Refused by the patient"}],
        ),
        dose(
            "heparin-mistaken",
            "2026-07-02T09:00:00+09:00",
            "entered-in-error",
            dosage={"text": "50000 units IV", "dose": quantity(50000, "[iU]")},
        ),
        record(
            "MedicationDispense",
            P,
            "warfarin-dispensed",
            status="completed",
            medicationReference=ref(f"Medication/{WARFARIN}"),
            whenHandedOver="2026-07-06T11:20:00+09:00",
            quantity={"value": 30, "unit": "tablets"},
            daysSupply={"value": 30, "unit": "days"},
        ),
        record(
            "MedicationStatement",
            P,
            "ibuprofen",
            status="active",
            medicationCodeableConcept=rxnorm("197806", "ibuprofen 600 MG Oral Tablet"),
            effectivePeriod={"start": "2026-06"},
            dateAsserted="2026-07-01",
            informationSource=ref(f"Patient/{P}"),
        ),
    ]
