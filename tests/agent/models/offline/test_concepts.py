"""The dictionary as questions have it: what a name means, what counts as it, and how fast it is there."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.concepts import Concept, Kind, load_lexicon, read_table, stems_of_record
from agent.models.offline.intents import CUES
from agent.models.offline.reading import read
from agent.models.offline.words import stems, words
from dictionary import entries
from tests.mcp_servers.fhir.terminology.test_spelling import DISEASES, DRUGS

LEXICON = load_lexicon(CUES)


def concept(name: str, kind: Kind) -> Concept:
    return LEXICON.concepts[stems(name)][kind]


@pytest.mark.parametrize(
    ("said", "kind", "meant"),
    [
        ("sugars", "measurement", "glucose"),
        ("crit", "measurement", "hematocrit"),
        ("plt", "measurement", "platelets"),
        ("water pill", "drug", "diuretic"),
        ("blood thinners", "drug", "blood thinner"),
        ("Lasix", "drug", "furosemide"),
        ("heart attack", "problem", "myocardial infarction"),
        ("sugar diabetes", "problem", "diabetes mellitus"),
        ("shingles shot", "vaccine", "zoster vaccine"),
        ("appendix out", "procedure", "appendectomy"),
        ("cat scan", "imaging", "CT scan"),
        ("cxr", "imaging", "chest X-ray"),
        ("lytes", "panel", "electrolytes"),
        ("H/H", "panel", "hemoglobin and hematocrit"),
        ("bees", "substance", "bee venom"),
    ],
)
def test_what_clinicians_and_patients_say_means_its_concept(said: str, kind: Kind, meant: str) -> None:
    assert concept(said, kind).name == meant


def test_no_phrase_is_claimed_under_two_cues() -> None:
    claims: dict[tuple[str, ...], set[str]] = {}
    for table in (read_table("phrases")["cues"], *CUES):
        for cue, spoken in table.items():
            for phrase in spoken:
                claims.setdefault(stems(phrase), set()).add(cue)
    assert {phrase: cues for phrase, cues in claims.items() if len(cues) > 1} == {}


def test_a_class_has_its_drugs_and_a_panel_its_measurements_alone() -> None:
    assert "empagliflozin" in {one.name for one in concept("diabetes medication", "drug").members}
    vitals = [one.name for one in concept("vitals", "panel").members]
    assert "blood pressure" in vitals
    assert "systolic blood pressure" not in vitals


def test_a_kind_of_a_problem_counts_as_the_problem() -> None:
    record = stems_of_record("Acute myeloid leukemia (disorder)")
    assert concept("cancer", "problem").in_order(record) == (2, 3)
    assert concept("diabetes", "problem").in_order(record) is None


@pytest.mark.parametrize(
    ("record", "is_it"),
    [
        ("Acetaminophen 325 MG / Oxycodone Hydrochloride 5 MG Oral Tablet", True),
        ("Percocet 5/325", True),
        ("Acetaminophen 325 MG Oral Tablet", False),
    ],
)
def test_the_brand_of_a_combination_means_all_its_ingredients(record: str, is_it: bool) -> None:
    assert (concept("percocet", "drug").in_any_order(stems_of_record(record)) is not None) is is_it


def test_a_name_of_several_measurements_is_left_to_the_chart_and_a_name_of_its_own_is_not() -> None:
    assert concept("troponin", "measurement").name == "troponin"
    assert concept("neutrophils", "measurement").name == "neutrophils"
    assert concept("troponin i", "measurement").name == "troponin I"


def test_what_is_said_names_nothing_in_a_record() -> None:
    assert "stent" in {name for one in entries("procedure") for name in one.said}
    stent = concept("stent", "procedure")
    assert stent.in_any_order(stems_of_record("Removal of ureteral stent")) is None


def test_a_picture_is_told_by_how_it_is_made_and_what_is_looked_at() -> None:
    brain = concept("brain mri", "imaging")
    assert (brain.modality, brain.site) == (("MR",), "head")
    assert brain in concept("mri", "imaging").members


def test_every_name_of_the_dictionary_is_read_unless_it_is_listed_as_something_else() -> None:
    for kind, called in (
        ("condition", "problem"),
        ("drug", "drug"),
        ("class", "drug"),
        ("vaccine", "vaccine"),
    ):
        for one in entries(kind):
            assert called in LEXICON.concepts.get(stems(one.name), {}) or one.name == "Fever", one.name


def test_what_names_two_kinds_of_thing_is_known_to() -> None:
    """A level in blood and the drug, a disease and its vaccine: the words around tell them apart."""
    both = {" ".join(phrase): set(named) for phrase, named in LEXICON.concepts.items() if len(named) > 1}
    told_apart = [{"measurement", "drug"}, {"problem", "vaccine"}]
    assert {name: kinds for name, kinds in both.items() if kinds not in told_apart} == {}


def test_no_name_of_a_drug_or_disease_is_taken_for_another() -> None:
    taken = [read(name, date(2026, 11, 1), LEXICON).corrected for name in f"{DRUGS} {DISEASES}".split()]
    assert [pairs for pairs in taken if pairs] == []


@given(st.text(alphabet="abcs19 ", max_size=30))
def test_plain_words_are_read_as_all_others_are(text: str) -> None:
    assert words(text) == words(f"{text} ?")
