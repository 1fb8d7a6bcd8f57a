"""Henrik Olsen: every kind of value, every status of a result, and a death without a date."""

from typing import Any

from fhir_fixtures.generate.handmade.building import (
    hl7,
    loinc,
    observation,
    patient,
    quantity,
    record,
    ref,
    snomed,
)
from fhir_fixtures.generate.references import Resource

P = "hard-henrik-olsen"

TROPONIN = loinc("67151-1", "Troponin T.cardiac [Mass/volume] in Serum or Plasma by High sensitivity method")
CREATININE = loinc("2160-0", "Creatinine [Mass/volume] in Serum or Plasma")
CULTURE = loinc("600-7", "Bacteria identified in Blood by Culture")


def records() -> list[Resource]:
    """His whole chart."""
    return [
        patient(P, "Henrik", "Olsen", "male", birthDate="1939-05-17", deceasedBoolean=True),
        *_values(),
        *_edges(),
        *_absent(),
        *_statuses(),
        *_reports(),
    ]


def _values() -> list[Resource]:
    when = "2026-02-10T07:30:00+01:00"
    sampled = {
        "origin": {"value": 0, "unit": "mV"},
        "period": 10,
        "dimensions": 1,
        "data": "0 1 5 -2 0 1 4 -1",
    }
    titre = {"numerator": {"value": 1}, "denominator": {"value": 128}}
    return [
        observation(P, "troponin", TROPONIN, when, valueQuantity=quantity(0.01, "ng/mL", "<")),
        observation(
            P,
            "d-dimer",
            loinc("48065-7", "Fibrin D-dimer FEU [Mass/volume] in Platelet poor plasma"),
            when,
            valueQuantity=quantity(20, "ug/mL", ">"),
        ),
        observation(
            P,
            "blood-group",
            loinc("882-1", "ABO and Rh group [Type] in Blood"),
            when,
            valueCodeableConcept=snomed("278149003", "Blood group A Rh(D) positive"),
        ),
        observation(
            P,
            "urine-colour",
            loinc("5778-6", "Color of Urine"),
            when,
            valueString="Dark yellow, slightly cloudy",
        ),
        observation(
            P,
            "fasting",
            loinc("49541-6", "Fasting status - Reported"),
            when,
            category="survey",
            valueBoolean=False,
        ),
        observation(
            P,
            "pain",
            loinc("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"),
            when,
            category="survey",
            valueInteger=7,
        ),
        observation(
            P,
            "urine-cells",
            loinc("5821-4", "Leukocytes [#/area] in Urine sediment by Microscopy high power field"),
            when,
            valueRange={"low": {"value": 5}, "high": {"value": 10}},
        ),
        observation(P, "ana-titre", loinc("5048-4", "Nuclear Ab [Titer] in Serum"), when, valueRatio=titre),
        observation(
            P, "ecg", loinc("11524-6", "EKG study"), when, category="procedure", valueSampledData=sampled
        ),
        observation(
            P, "wakes-at", loinc("65564-7", "Usual wake time"), when, category="survey", valueTime="05:45:00"
        ),
        observation(
            P,
            "last-drink",
            loinc("11287-0", "Alcoholic drinks last date"),
            when,
            category="social-history",
            valueDateTime="2025-12",
        ),
        observation(
            P,
            "fever",
            loinc("45701-0", "Fever"),
            when,
            category="exam",
            valuePeriod={"start": "2026-02-07", "end": "2026-02-09"},
        ),
        observation(
            P,
            "pressure",
            loinc("85354-9", "Blood pressure panel with all children optional"),
            when,
            category="vital-signs",
            component=[
                {"code": loinc("8480-6", "Systolic blood pressure"), "valueQuantity": quantity(92, "mm[Hg]")},
                {
                    "code": loinc("8462-4", "Diastolic blood pressure"),
                    "valueQuantity": quantity(58, "mm[Hg]"),
                },
            ],
        ),
    ]


def _edges() -> list[Resource]:
    lactate = loinc("2524-7", "Lactate [Moles/volume] in Serum or Plasma")
    when = "2026-02-10T07:30:00+01:00"

    def measured(name: str, code: dict[str, Any], value: float, unit: str, **elements: Any) -> Resource:
        return observation(P, name, code, when, valueQuantity=quantity(value, unit), **elements)

    return [
        # Two results of one moment; the second was released later.
        measured("lactate-first", lactate, 2.1, "mmol/L", issued="2026-02-10T06:50:00Z"),
        measured("lactate-second", lactate, 2.4, "mmol/L", issued="2026-02-10T07:40:00Z"),
        # Below zero, and zero itself: values, not the lack of one.
        measured(
            "base-excess", loinc("1925-7", "Base excess in Arterial blood by calculation"), -3.2, "mmol/L"
        ),
        measured("band-cells", loinc("764-1", "Band form neutrophils/100 leukocytes in Blood"), 0, "%"),
    ]


def _absent() -> list[Resource]:
    when = "2026-02-10T07:30:00+01:00"
    return [
        observation(
            P,
            "sodium-hemolysed",
            loinc("2951-2", "Sodium [Moles/volume] in Serum or Plasma"),
            when,
            dataAbsentReason={**hl7("data-absent-reason", "error"), "text": "Sample haemolysed"},
        ),
        observation(
            P,
            "smoking",
            loinc("72166-2", "Tobacco smoking status"),
            when,
            category="social-history",
            dataAbsentReason=hl7("data-absent-reason", "asked-declined"),
        ),
        # Neither a value nor a reason: R4 allows it, as long as nobody takes it for zero.
        observation(P, "calcium-empty", loinc("17861-6", "Calcium [Mass/volume] in Serum or Plasma"), when),
    ]


def _statuses() -> list[Resource]:
    def creatinine(day: str, value: float | None, status: str, **elements: Any) -> Resource:
        measured: dict[str, Any] = {} if value is None else {"valueQuantity": quantity(value, "mg/dL")}
        when = f"2026-02-{day}T06:00:00+01:00"
        return observation(P, f"creatinine-{day}", CREATININE, when, status=status, **measured, **elements)

    return [
        creatinine("05", 1.3, "final", interpretation=[hl7("v3-ObservationInterpretation", "N")]),
        creatinine(
            "06", 1.9, "corrected", note=[{"text": "Reported as 9.1 at first; decimal point misread"}]
        ),
        creatinine("07", 2.2, "amended"),
        creatinine("08", 2.6, "preliminary", interpretation=[hl7("v3-ObservationInterpretation", "H")]),
        creatinine("09", None, "cancelled", note=[{"text": "Sample lost in transport"}]),
        creatinine("10", None, "registered"),
        creatinine("11", 0.2, "entered-in-error"),
        creatinine("12", 2.4, "unknown"),
    ]


def _reports() -> list[Resource]:
    def report(name: str, status: str, conclusion: str, **elements: Any) -> Resource:
        return record(
            "DiagnosticReport",
            P,
            name,
            status=status,
            code=CULTURE,
            category=[hl7("v2-0074", "MB")],
            effectiveDateTime="2026-02-07T09:00:00+01:00",
            conclusion=conclusion,
            **elements,
        )

    return [
        report(
            "culture-preliminary",
            "preliminary",
            "Gram-positive cocci in clusters",
            issued="2026-02-08T10:00:00Z",
        ),
        report(
            "culture-final",
            "amended",
            "Staphylococcus epidermidis, probably a contaminant",
            issued="2026-02-10T10:00:00Z",
            result=[ref(f"Observation/{P}-culture-organism")],
        ),
        report(
            "culture-wrong-patient", "entered-in-error", "Escherichia coli", issued="2026-02-08T11:00:00Z"
        ),
        observation(
            P,
            "culture-organism",
            CULTURE,
            "2026-02-07T09:00:00+01:00",
            valueCodeableConcept=snomed("60875001", "Staphylococcus epidermidis"),
        ),
    ]
