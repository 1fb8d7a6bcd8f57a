"""The bundled dictionary: codes have their check digits, and charts that bear one call it by that name."""

import re
from collections.abc import Iterator

import pytest
from rapidfuzz import fuzz

from fhir_fixtures import charts
from mcp_servers.fhir.charts.code_systems import CVX, ICD10CM, RXNORM
from mcp_servers.fhir.charts.elements import LOINC, SNOMED, folded
from mcp_servers.fhir.terminology.concepts import (
    Code,
    by_name,
    classes_of,
    concepts,
    family,
    known_by,
)

# Verhoeff's dihedral group and permutation (SNOMED CT Technical Implementation Guide, "Check-digit").
_PRODUCT = [
    [(b + a) % 5 if b < 5 else 5 + (a + b) % 5 for b in range(10)]
    if a < 5
    else [5 + (a - b) % 5 if b < 5 else (a - b) % 5 for b in range(10)]
    for a in range(10)
]
_SHIFT = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(digits: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        permuted = int(digit)
        for _ in range(place % 8):
            permuted = _SHIFT[permuted]
        check = _PRODUCT[check][permuted]
    return check == 0


def mod_10(code: str) -> bool:
    number, _, check = code.partition("-")
    odd = str(2 * int(number[::-1][::2][::-1]))
    even = number[::-1][1::2][::-1]
    return (-sum(int(digit) for digit in even + odd)) % 10 == int(check)


@pytest.mark.parametrize(("code", "right"), [("73211009", True), ("73211008", False), ("37211009", False)])
def test_the_check_finds_a_wrong_snomed_code(code: str, right: bool) -> None:
    assert verhoeff(code) is right


@pytest.mark.parametrize(("code", "right"), [("4548-4", True), ("4548-5", False), ("4584-4", False)])
def test_the_check_finds_a_wrong_loinc_code(code: str, right: bool) -> None:
    assert mod_10(code) is right


_SHAPES = {
    RXNORM: r"[1-9]\d{0,6}",
    CVX: r"\d{2,3}",
    ICD10CM: r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    SNOMED: r"\d{6,18}",
    LOINC: r"\d{1,6}-\d",
}


def test_every_code_has_the_shape_and_the_check_digit_of_its_system() -> None:
    for concept in concepts():
        for system, code in concept.codes:
            assert re.fullmatch(_SHAPES[system], code), (concept.name, code)
            assert system != SNOMED or verhoeff(code), (concept.name, code)
            assert system != LOINC or mod_10(code), (concept.name, code)


def test_there_are_enough_concepts_and_each_has_a_name_of_its_own() -> None:
    names = [(concept.kind, folded(concept.name)) for concept in concepts()]
    assert len(names) == len(set(names)) > 900
    assert all(folded(name) for concept in concepts() for name in (concept.name, *concept.names))


def test_no_drug_shares_its_code_with_another() -> None:
    codes = [code for concept in concepts() if concept.kind == "drug" for code in concept.codes]
    assert len(codes) == len(set(codes)) > 200


def test_every_member_of_a_class_is_in_the_dictionary() -> None:
    drugs = {concept.name for concept in concepts() if concept.kind == "drug"}
    for concept in concepts():
        if concept.kind == "class":
            assert concept.members, concept.name
            assert drugs.issuperset(concept.members), concept.name
        assert len(family([concept])) >= 1 + len(set(concept.members)), concept.name


def test_a_drug_knows_its_classes_and_a_class_its_drugs() -> None:
    (lisinopril,) = by_name()["lisinopril"]
    (aces,) = by_name()["ace inhibitor"]
    assert "ACE inhibitor" in classes_of(lisinopril)
    assert lisinopril in family([aces])
    assert "statin" not in classes_of(lisinopril)


def test_an_icd_code_is_known_by_the_longest_category_that_it_falls_under() -> None:
    assert {one.name for one in known_by(ICD10CM, "N18.6")} == {"End stage renal disease"}
    assert "Chronic kidney disease" in {one.name for one in known_by(ICD10CM, "N18.32")}
    assert known_by(ICD10CM, "Q99.9") == ()


def coded_in_charts() -> Iterator[tuple[Code, str]]:
    for resource in charts.resources():
        for element in ("code", "vaccineCode", "medicationCodeableConcept"):
            for coding in (resource.get(element) or {}).get("coding", []):
                if coding.get("display"):
                    yield Code(coding.get("system", ""), coding.get("code", "")), coding["display"]


def test_the_sample_charts_call_a_code_by_a_name_like_the_dictionarys() -> None:
    strange = set()
    for code, display in set(coded_in_charts()):
        for concept in known_by(*code):
            names = [folded(name) for name in (concept.name, *concept.names)]
            plain = folded(
                re.sub(r"\((disorder|finding|procedure|situation|substance|organism)\)", "", display)
            )
            best = max(
                max(fuzz.token_set_ratio(name, plain), fuzz.partial_ratio(name, plain)) for name in names
            )
            if code.system != LOINC and best < 60:
                strange.add((code.code, display, concept.name))
    assert strange == set()
