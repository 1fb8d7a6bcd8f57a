"""What words mean: names, abbreviations, codes, misspellings, and names inside a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.terminology import family, find, near
from mcp_servers.fhir.terminology.finding import spotted


def names(text: str) -> list[str]:
    return [concept.name for concept in find(text).concepts]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sugar", ["Glucose"]),
        ("Diabetes", ["Diabetes mellitus"]),
        ("T2DM", ["Type 2 diabetes"]),
        ("heart attack", ["Myocardial infarction"]),
        ("MI", ["Myocardial infarction"]),
        ("Tylenol", ["acetaminophen"]),
        ("blood thinners", ["blood thinner"]),
        ("flu shot", ["Influenza vaccine"]),
        ("CABG", ["Coronary artery bypass graft"]),
        ("44054006", ["Type 2 diabetes"]),
        ("http://loinc.org|4548-4", ["Hemoglobin A1c"]),
        ("http://snomed.info/sct|4548-4", []),
        ("e11.9", ["Type 2 diabetes"]),
        ("E13.9", ["Diabetes mellitus"]),
        ("icd-10|e11.9", ["Type 2 diabetes"]),
        ("LOINC 4548-4", ["Hemoglobin A1c"]),
        ("SNOMED-CT: 38341003", ["Hypertension"]),
        ("any PE or DVT?", ["Pulmonary embolism", "Deep vein thrombosis"]),
        ("24 HR metoprolol 50 MG Oral Tablet", ["metoprolol"]),
        ("hr of this one", []),
        ("diabetes insipidus", ["Diabetes insipidus"]),
        ("low blood sugar", ["Hypoglycemia"]),
        ("stomach flu", ["Gastroenteritis"]),
        ("fluid pill", ["diuretic"]),
        ("painkillers", ["pain medication"]),
        ("pip/tazo", ["piperacillin", "tazobactam"]),
        ("chickenpox", ["Chickenpox", "Varicella vaccine"]),
        ("CBC", ["Complete blood count"]),
        ("LFTs", ["Liver function tests"]),
        ("is lisinopril an ACE inhibitor?", ["ACE inhibitor", "lisinopril"]),
        ("gestational diabetes", ["Gestational diabetes"]),
        ("iron", ["Iron", "iron"]),
        ("does she have reflux", ["GERD"]),
        ("portal hypertension", []),
        ("xyzzy", []),
        ("", []),
    ],
)
def test_a_text_means_its_concepts(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("hypertention", "Hypertension"), ("warfrin", "warfarin"), ("astma", "Asthma")],
)
def test_a_misspelt_name_is_read_as_the_one_it_looks_like_and_says_so(misspelt: str, meant: str) -> None:
    found = find(misspelt)
    assert [concept.name for concept in found.concepts] == [meant]
    assert found.note == f"`{misspelt}` read as {meant}."


def test_names_that_are_read_in_a_question_are_told() -> None:
    assert find("does she take insulin for kidney cancer").note == (
        "`does she take insulin for kidney cancer` read as Kidney cancer and insulin."
    )
    assert find("kidney cancer").note is None


def test_a_panel_is_no_measurement_that_has_a_value() -> None:
    assert find("cbc", ("measurement",)).concepts == ()


def test_kinds_narrow_what_a_name_may_mean() -> None:
    assert {one.kind for one in find("influenza").concepts} >= {"condition", "vaccine"}
    assert [one.name for one in find("influenza", ("vaccine",)).concepts] == ["Influenza vaccine"]
    assert find("influenza", ("drug",)).concepts == ()


@pytest.mark.parametrize(
    "name",
    ["Family history of diabetes", "History of seizure (situation)", "Suspected pneumonia", "No asthma",
     "At risk of stroke", "Depression screening"],
)  # fmt: skip
def test_a_condition_that_is_history_a_risk_or_denied_is_not_that_condition(name: str) -> None:
    assert spotted(name, ("condition",)) == ()


def test_the_longer_of_two_names_at_one_place_is_meant() -> None:
    found = spotted("Chronic bronchitis with pulmonary hypertension", ("condition",))
    assert [one.name for one in found] == ["Chronic bronchitis", "Pulmonary hypertension"]


def test_names_that_hold_the_word_are_suggested() -> None:
    assert {"Hip fracture", "Ankle fracture", "Rib fracture"} <= set(near("fracture"))


def test_only_names_of_the_kinds_asked_for_are_suggested() -> None:
    assert "Fasting glucose" in near("glucose")
    suggested = [find(name, ("drug", "class")).concepts for name in near("glucose", ("drug", "class"))]
    assert suggested
    assert all(suggested)
    assert near("zebra")
    assert near("zebra", ("condition",)) == []


def codes(text: str) -> set[str]:
    return {code.code for one in family(find(text, ("vaccine",)).concepts) for code in one.codes}


@pytest.mark.parametrize(
    ("brand", "family_name", "own"),
    [
        ("Shingrix", "zoster", {"187"}),
        ("Zostavax", "shingles", {"121"}),
        ("PCV13", "pneumococcal", {"133"}),
        ("Pneumovax", "pneumonia", {"33"}),
        ("Menactra", "meningitis", {"114"}),
        ("ipv", "polio", {"10"}),
        ("Pediarix", "hepatitis b", {"110"}),
    ],
)
def test_a_brand_of_vaccine_is_its_own_codes_and_its_family_all(
    brand: str, family_name: str, own: set[str]
) -> None:
    assert codes(brand) == own
    assert codes(family_name) > own


@pytest.mark.parametrize("disease", ["tetanus", "diphtheria"])
def test_a_disease_is_every_vaccine_against_it(disease: str) -> None:
    assert codes(disease) >= {"113", "115", "20", "110", "146"}


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert len(near(text)) <= 5
    assert all(concept.name for concept in find(text).concepts)
