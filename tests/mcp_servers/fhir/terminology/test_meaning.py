"""Which records are about what was meant."""

from typing import Any

import pytest

from mcp_servers.fhir.terminology import find, meaning_of

SCT = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
RX = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"
LOINC = "http://loinc.org"


def covers(text: str, codeable: Any) -> bool:
    return meaning_of(text, find(text).concepts).covers(codeable)


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


@pytest.mark.parametrize(
    ("text", "codeable", "about"),
    [
        ("diabetes", coded(SCT, "44054006"), True),
        ("diabetes", coded(ICD, "E11.9"), True),
        ("type 1 diabetes", coded(ICD, "E11.9", "Type 1 diabetes, as someone wrote"), False),
        ("diabetes", {"text": "Type 2 diabetes, poorly controlled"}, True),
        ("diabetes", {"text": "gestational diabetes"}, False),
        ("diabetes", {"text": "Family history of diabetes"}, False),
        ("hypertension", coded(SCT, "70995007", "Pulmonary hypertension"), False),
        ("glucose", coded(LOINC, "5792-7", "Glucose in urine"), False),
        ("glucose", coded("urn:local", "GLU", "Glucose, serum"), True),
        ("ACE inhibitor", coded(RX, "314076", "lisinopril 10 MG Oral Tablet"), True),
        ("statin", coded(RX, "314076", "lisinopril 10 MG Oral Tablet"), False),
        ("oxycodone", coded(RX, "1049221", "Acetaminophen 325 MG / oxyCODONE 5 MG Oral Tablet"), True),
        ("potassium chloride", coded(RX, "979492", "losartan potassium 50 MG Oral Tablet"), False),
        ("diabetes", coded("urn:local", "DI", "Central diabetes insipidus"), False),
        ("birth control", coded(RX, "978950", "Natazia 28 Day Pack"), True),
        ("birth control", coded(RX, "749882", "Norinyl 1+50 28 Day Pack"), True),
        ("birth control", coded(RX, "749762", "Seasonique 91 Day Pack"), True),
        ("birth control", coded(RX, "235389", "Mestranol / Norethynodrel"), True),
        ("polio vaccine", coded(CVX, "110", "DTaP-Hep B-IPV"), True),
        ("hepatitis B vaccine", coded(CVX, "104", "Hep A-Hep B"), True),
        ("bmp", coded(LOINC, "2160-0", "Creatinine"), True),
        ("bmp", coded(LOINC, "2161-8", "Creatinine in urine"), False),
        ("oxygen", coded(LOINC, "2708-6", "Oxygen saturation"), True),
        ("icd-10|Q99.9", coded(ICD, "Q99.9", "Chromosomal abnormality"), True),
        ("sulfa drug", coded(RX, "10831", "Sulfamethoxazole / Trimethoprim"), True),
        ("314076", coded(RX, "314076", "anything"), True),
        (f"{SCT}|314076", coded(RX, "314076", "anything"), False),
        ("vertigo spells", {"text": "Vertigo with spells of nausea"}, True),
        ("ms", {"text": "MS Contin"}, False),
        ("reflux", coded(SCT, "197811007", "Vesicoureteric reflux"), False),
        ("acid reflux", {"text": "Reflux"}, True),
        ("hypertension", {"text": "Portal hypertension"}, False),
        ("portal hypertension", {"text": "Portal hypertension"}, True),
        ("glucose", coded(LOINC, "2342-4", "Glucose in cerebral spinal fluid"), False),
        ("cancer", coded(ICD, "C50.919"), True),
        ("diabetes", {}, False),
        ("diabetes", "no concept at all", False),
    ],
)
def test_a_record_is_about_what_was_meant_by_its_codes_or_else_its_names(
    text: str, codeable: Any, about: bool
) -> None:
    assert covers(text, codeable) is about
