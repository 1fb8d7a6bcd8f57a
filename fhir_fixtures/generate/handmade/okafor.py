"""Amara Okafor: a diabetic woman whose chart holds every status that a record can have."""

from typing import Any

from fhir_fixtures.generate.handmade.building import (
    allergy,
    coded,
    condition,
    dosage,
    encounter,
    hl7,
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

P = "hard-amara-okafor"
DOCTOR = ref("Practitioner/hard-dr-lindqvist", "Dr. Maja Lindqvist")

HBA1C = loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")
GLUCOSE = loinc("2345-7", "Glucose [Mass/volume] in Serum or Plasma")
INFLUENZA = coded("http://hl7.org/fhir/sid/cvx", "140", "Influenza, seasonal, injectable, preservative free")
PRESSURE = loinc("85354-9", "Blood pressure panel with all children optional")


def records() -> list[Resource]:
    """Her whole chart."""
    return [
        patient(
            P,
            "Amara",
            "Okafor",
            "female",
            former=[{"use": "maiden", "given": ["Amara"], "family": "Eze"}],
            birthDate="1968-03-14",
            deceasedBoolean=False,
        ),
        *_problems(),
        *_allergies(),
        *_medications(),
        *_results(),
        *_care(),
    ]


def _problems() -> list[Resource]:
    return [
        condition(P, "diabetes", snomed("44054006", "Diabetes mellitus type 2"), onsetDateTime="2012-06-01"),
        condition(
            P,
            "hypertension",
            snomed("38341003", "Hypertensive disorder, systemic arterial"),
            onsetDateTime="2015",
            recordedDate="2015-10-20",
        ),
        condition(P, "gout", snomed("90560007", "Gout"), clinical="recurrence", onsetDateTime="2021-02-11"),
        condition(
            P,
            "eczema",
            snomed("43116000", "Eczema"),
            clinical="relapse",
            onsetDateTime="1980",
            recordedDate="2026-03-02",
        ),
        condition(
            P,
            "breast-cancer",
            snomed("254837009", "Malignant neoplasm of breast"),
            clinical="remission",
            onsetDateTime="2010-04-02",
        ),
        condition(
            P,
            "pneumonia",
            snomed("233604007", "Pneumonia"),
            clinical="resolved",
            onsetDateTime="2019-01-07",
            abatementDateTime="2019-02-01",
        ),
        condition(
            P,
            "carpal-tunnel",
            snomed("57406009", "Carpal tunnel syndrome"),
            clinical="inactive",
            onsetDateTime="2017-09-30",
        ),
        condition(
            P,
            "copd",
            snomed("13645005", "Chronic obstructive lung disease"),
            clinical="inactive",
            verification="refuted",
            recordedDate="2019-01-08",
        ),
        condition(
            P,
            "hypothyroidism",
            snomed("40930008", "Hypothyroidism"),
            clinical=None,
            verification="entered-in-error",
            recordedDate="2022-05-17",
        ),
        condition(
            P,
            "sleep-apnea",
            snomed("78275009", "Obstructive sleep apnea syndrome"),
            verification="provisional",
            recordedDate="2026-08-20",
        ),
        condition(
            P,
            "hyperparathyroidism",
            snomed("66999008", "Hyperparathyroidism"),
            verification="differential",
            recordedDate="2026-09-14",
        ),
    ]


def _allergies() -> list[Resource]:
    return [
        allergy(
            P,
            "penicillin",
            snomed("764146007", "Penicillin"),
            type="allergy",
            category=["medication"],
            criticality="high",
            recordedDate="1999-11-02",
            reaction=[{"manifestation": [snomed("39579001", "Anaphylaxis")], "severity": "severe"}],
        ),
        allergy(P, "egg", snomed("102263004", "Eggs (edible)"), clinical="resolved", recordedDate="1975"),
        allergy(
            P,
            "sulfonamide",
            snomed("387406002", "Sulfonamide"),
            clinical="inactive",
            verification="refuted",
            recordedDate="2014-03-03",
        ),
        allergy(
            P,
            "latex",
            snomed("111088007", "Latex"),
            clinical=None,
            verification="entered-in-error",
            recordedDate="2020-07-19",
        ),
    ]


def _medications() -> list[Resource]:
    metformin_500 = rxnorm("861007", "metformin hydrochloride 500 MG Oral Tablet")
    metformin_1000 = rxnorm("861004", "metformin hydrochloride 1000 MG Oral Tablet")
    return [
        order(
            P,
            "metformin-1000",
            "2023-02-10",
            medicationCodeableConcept=metformin_1000,
            dosageInstruction=dosage("1000 mg by mouth twice a day with meals"),
            reasonReference=[ref(f"Condition/{P}-diabetes")],
            requester=DOCTOR,
        ),
        order(
            P,
            "metformin-500",
            "2012-06-15",
            status="stopped",
            medicationCodeableConcept=metformin_500,
            statusReason={"text": "Dose increased"},
        ),
        order(
            P,
            "glipizide",
            "2024-09-01",
            status="on-hold",
            medicationCodeableConcept=rxnorm("310488", "glipizide 10 MG Oral Tablet"),
            statusReason={"text": "Hypoglycaemia in August 2026; to be reviewed"},
        ),
        order(
            P,
            "lisinopril",
            "2016-01-12",
            medicationCodeableConcept=rxnorm("314076", "lisinopril 10 MG Oral Tablet"),
            dosageInstruction=dosage("10 mg by mouth once a day"),
        ),
        order(
            P,
            "insulin-glargine",
            "2026-09-14",
            status="draft",
            medicationCodeableConcept=rxnorm("261551", "insulin glargine 100 UNT/ML Injectable Solution"),
        ),
        order(
            P,
            "semaglutide",
            "2026-09-14",
            intent="proposal",
            medicationCodeableConcept=rxnorm("1991302", "semaglutide"),
        ),
        order(
            P,
            "no-pioglitazone",
            "2023-02-10",
            doNotPerform=True,
            medicationCodeableConcept=rxnorm("33738", "pioglitazone"),
            reasonCode=[{"text": "Do not prescribe: fluid retention in 2022"}],
        ),
        order(
            P,
            "allopurinol",
            "2021-02-20",
            status="entered-in-error",
            medicationCodeableConcept=rxnorm("197319", "allopurinol 100 MG Oral Tablet"),
        ),
        record(
            "MedicationStatement",
            P,
            "aspirin",
            status="active",
            medicationCodeableConcept=rxnorm("243670", "aspirin 81 MG Oral Tablet"),
            effectivePeriod={"start": "2018"},
            dosage=dosage("81 mg once a day, bought without a prescription"),
        ),
        record(
            "MedicationStatement",
            P,
            "st-johns-wort",
            status="not-taken",
            medicationCodeableConcept=rxnorm("258326", "St. John's wort extract"),
            dateAsserted="2026-06-03",
        ),
    ]


def _hba1c(when: str, value: float, status: str = "final", unit: str = "%", **elements: Any) -> Resource:
    code = elements.pop("code", HBA1C)
    measured = quantity(value, unit)
    return observation(P, f"hba1c-{when[:7]}", code, when, status=status, valueQuantity=measured, **elements)


def _results() -> list[Resource]:
    return [
        _hba1c("2024-05-06T08:10:00+02:00", 8.2),
        _hba1c("2025-01-20T08:00:00+01:00", 62, unit="mmol/mol"),
        # The laboratory's own code stands first, LOINC's second.
        _hba1c(
            "2025-11-04T07:55:00+01:00",
            7.4,
            status="amended",
            code={
                "coding": [
                    {"system": "http://lab.example.org/codes", "code": "A1C-7", "display": "GLYCO HB"},
                    *HBA1C["coding"],
                ]
            },
        ),
        _hba1c(
            "2026-09-14T08:20:00+02:00",
            7.1,
            interpretation=[hl7("v3-ObservationInterpretation", "H")],
            referenceRange=[{"low": quantity(4.0, "%"), "high": quantity(6.0, "%")}],
        ),
        _hba1c("2026-10-02T09:00:00+02:00", 11.9, status="entered-in-error"),
        observation(
            P, "glucose-2026-03", GLUCOSE, "2026-03-02T08:05:00+01:00", valueQuantity=quantity(142, "mg/dL")
        ),
        observation(
            P, "glucose-2026-06", GLUCOSE, "2026-06-03T08:00:00+02:00", valueQuantity=quantity(8.1, "mmol/L")
        ),
        observation(
            P, "glucose-2026-09", GLUCOSE, "2026-09-14T08:20:00+02:00", valueQuantity=quantity(131, "mg/dL")
        ),
        # One weight in kilograms, one in pounds, one whose unit is words without a code.
        _weight("weight-2025-09", "2025-09-10", quantity(84.5, "kg")),
        _weight("weight-2026-03", "2026-03-02", quantity(183, "[lb_av]")),
        _weight("weight-2026-09", "2026-09-14", {"value": 81.5, "unit": "kilos"}),
        *_lipids(),
        observation(
            P,
            "pressure-2026-09",
            PRESSURE,
            "2026-09-14T09:00:00+02:00",
            category="vital-signs",
            component=[
                {
                    "code": loinc("8480-6", "Systolic blood pressure"),
                    "valueQuantity": quantity(138, "mm[Hg]"),
                },
                {
                    "code": loinc("8462-4", "Diastolic blood pressure"),
                    "valueQuantity": quantity(84, "mm[Hg]"),
                },
            ],
        ),
        observation(
            P,
            "pressure-2026-03",
            PRESSURE,
            "2026-03-02T09:10:00+01:00",
            category="vital-signs",
            component=[
                {
                    "code": loinc("8480-6", "Systolic blood pressure"),
                    "valueQuantity": quantity(151, "mm[Hg]"),
                },
                {
                    "code": loinc("8462-4", "Diastolic blood pressure"),
                    "dataAbsentReason": hl7("data-absent-reason", "error"),
                },
            ],
        ),
    ]


def _weight(name: str, day: str, measured: dict[str, Any]) -> Resource:
    code = loinc("29463-7", "Body weight")
    return observation(P, name, code, day, category="vital-signs", valueQuantity=measured)


def _lipids() -> list[Resource]:
    """A panel without a value of its own: its members have them."""
    when = "2026-09-14T08:20:00+02:00"
    members = [
        ("cholesterol", "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", 182),
        ("ldl", "13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", 101),
        ("hdl", "2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", 48),
    ]
    results = [
        observation(P, name, loinc(code, display), when, valueQuantity=quantity(value, "mg/dL"))
        for name, code, display, value in members
    ]
    panel = loinc("24331-1", "Lipid 1996 panel - Serum or Plasma")
    references = [ref(f"Observation/{result['id']}") for result in results]
    return [*results, observation(P, "lipid-panel", panel, when, hasMember=references)]


def _care() -> list[Resource]:
    return [
        encounter(
            P,
            "visit-2026-09",
            "AMB",
            "2026-09-14T08:00:00+02:00",
            "2026-09-14T09:30:00+02:00",
            reasonCode=[{"text": "Diabetes follow-up"}],
            participant=[{"individual": DOCTOR}],
            diagnosis=[{"condition": ref(f"Condition/{P}-diabetes")}],
        ),
        encounter(P, "visit-2026-10", "AMB", "2026-10-02T09:00:00+02:00", status="cancelled"),
        # Still to come: not her last visit.
        encounter(P, "visit-2026-12", "AMB", "2026-12-07T09:00:00+01:00", status="planned"),
        record(
            "Immunization",
            P,
            "influenza-2025",
            status="completed",
            vaccineCode=INFLUENZA,
            occurrenceDateTime="2025-10-15",
        ),
        record(
            "Immunization",
            P,
            "influenza-2026",
            status="not-done",
            vaccineCode=INFLUENZA,
            occurrenceDateTime="2026-10-20",
            statusReason={"text": "Declined by the patient"},
        ),
    ]
