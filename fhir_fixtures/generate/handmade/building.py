"""Short ways to write the resources of a hand-made chart.

A record's id is the patient's id, a hyphen and the short name given here: `hard-amara-okafor`'s latest HbA1c
is `Observation/hard-amara-okafor-hba1c-2026-09`. Keyword arguments are FHIR elements as they are.
"""

from typing import Any

from fhir_fixtures.generate.references import Resource

HL7 = "http://terminology.hl7.org/CodeSystem"


def coded(system: str, code: str, display: str) -> dict[str, Any]:
    """A CodeableConcept of one coding, its display as text too."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def loinc(code: str, display: str) -> dict[str, Any]:
    return coded("http://loinc.org", code, display)


def snomed(code: str, display: str) -> dict[str, Any]:
    return coded("http://snomed.info/sct", code, display)


def rxnorm(code: str, display: str) -> dict[str, Any]:
    return coded("http://www.nlm.nih.gov/research/umls/rxnorm", code, display)


def hl7(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept from one of HL7's own code systems."""
    return {"coding": [{"system": f"{HL7}/{system}", "code": code}]}


def ref(reference: str, display: str | None = None) -> dict[str, Any]:
    return {"reference": reference} | ({"display": display} if display else {})


def quantity(value: float, unit: str, comparator: str | None = None) -> dict[str, Any]:
    """A Quantity whose unit is a UCUM code; `comparator` is one of < <= >= >."""
    measured = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return measured | ({"comparator": comparator} if comparator else {})


def patient(
    id: str,  # noqa: A002
    given: str,
    family: str,
    gender: str,
    *,
    former: list[dict[str, Any]] | None = None,
    **elements: Any,
) -> Resource:
    """A Patient with a record number; `former` are further HumanNames after the official one."""
    return {
        "resourceType": "Patient",
        "id": id,
        "active": True,
        "identifier": [{"system": "http://hospital.example.org/mrn", "value": f"MRN-{id.upper()}"}],
        "name": [{"use": "official", "given": given.split(" "), "family": family}, *(former or [])],
        "gender": gender,
        **elements,
    }


def record(kind: str, patient_id: str, name: str, /, **elements: Any) -> Resource:
    """A resource about a patient, under `subject` or `patient` as its type has it."""
    field = "patient" if kind in {"AllergyIntolerance", "Immunization", "FamilyMemberHistory"} else "subject"
    about = {field: ref(f"Patient/{patient_id}")}
    return {"resourceType": kind, "id": f"{patient_id}-{name}", **about, **elements}


def observation(
    patient_id: str,
    name: str,
    code: dict[str, Any],
    when: str | None,
    *,
    status: str = "final",
    category: str = "laboratory",
    **elements: Any,
) -> Resource:
    """An Observation; `when` is effectiveDateTime, None when `elements` bring another effective[x]."""
    elements |= {"effectiveDateTime": when} if when else {}
    category_of = [hl7("observation-category", category)]
    return record("Observation", patient_id, name, status=status, category=category_of, code=code, **elements)


def condition(
    patient_id: str,
    name: str,
    code: dict[str, Any],
    *,
    clinical: str | None = "active",
    verification: str = "confirmed",
    **elements: Any,
) -> Resource:
    """A problem-list Condition; `clinical` None where R4 forbids one (entered in error)."""
    if clinical:
        elements["clinicalStatus"] = hl7("condition-clinical", clinical)
    return record(
        "Condition",
        patient_id,
        name,
        code=code,
        verificationStatus=hl7("condition-ver-status", verification),
        category=[hl7("condition-category", "problem-list-item")],
        **elements,
    )


def allergy(
    patient_id: str,
    name: str,
    code: dict[str, Any],
    *,
    clinical: str | None = "active",
    verification: str = "confirmed",
    **elements: Any,
) -> Resource:
    """An AllergyIntolerance; `clinical` None where R4 forbids one (entered in error)."""
    if clinical:
        elements["clinicalStatus"] = hl7("allergyintolerance-clinical", clinical)
    verified = hl7("allergyintolerance-verification", verification)
    return record("AllergyIntolerance", patient_id, name, code=code, verificationStatus=verified, **elements)


def order(
    patient_id: str,
    name: str,
    authored: str,
    *,
    status: str = "active",
    intent: str = "order",
    **elements: Any,
) -> Resource:
    """A MedicationRequest; the drug comes as `medicationCodeableConcept` or `medicationReference`."""
    return record(
        "MedicationRequest", patient_id, name, status=status, intent=intent, authoredOn=authored, **elements
    )


def dosage(text: str) -> list[dict[str, Any]]:
    return [{"text": text}]


def encounter(
    patient_id: str, name: str, kind: str, start: str, end: str | None = None, **elements: Any
) -> Resource:
    """An Encounter of ActCode class `kind` (AMB, IMP, EMER ...)."""
    period = {"start": start} | ({"end": end} if end else {})
    class_ = {"system": f"{HL7}/v3-ActCode", "code": kind}
    status = elements.pop("status", "finished")
    return record(
        "Encounter", patient_id, name, status=status, period=period, **{"class": class_}, **elements
    )
