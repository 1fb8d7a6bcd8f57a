"""Records asked for by words: as they stand, by what the dictionary reads in them, and beside the name."""

from typing import Any

import pytest
from starlette.applications import Starlette

from mcp_servers.fhir import terminology
from mcp_servers.fhir.charts import Kind, Projected, list_records
from mcp_servers.fhir.charts.elements import SNOMED
from tests.mcp_servers.fhir.charts.records import NOW, condition, order
from tests.mcp_servers.fhir.sessions import data, session


def procedure(identity: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": identity,
        "status": "completed",
        "code": {"text": name},
        **more,
    }


def kidney(identity: str, stage: int, code: str) -> dict[str, Any]:
    display = f"Chronic kidney disease stage {stage} (disorder)"
    return condition(identity, "", code={"coding": [{"system": SNOMED, "code": code, "display": display}]})


def found(kind: Kind, chart: list[dict[str, Any]], words: str, *kinds: terminology.Kind) -> Projected:
    return list_records(kind, chart, text=words, wording=terminology.wording(words, kinds), now=NOW)


def refs(answer: Projected) -> list[str]:
    return [row["ref"].partition("/")[2] for row in answer.rows]


def test_an_abbreviation_finds_what_it_stands_for_and_the_other_words_narrow_it() -> None:
    chart = [kidney("three", 3, "433144002"), kidney("four", 4, "431857002"), condition("gout", "Gout")]
    every = found("problems", chart, "CKD", "condition")
    third = found("problems", chart, "CKD stage 3", "condition")
    assert (sorted(refs(every)), refs(third)) == (["four", "three"], ["three"])
    assert every.notes == ["`CKD` read as Chronic kidney disease."]
    assert third.notes == ['`CKD stage 3` read as Chronic kidney disease and "stage 3".']


def test_words_that_stand_in_the_names_are_not_said_to_be_read() -> None:
    chart = [condition("a", "Gout of the left foot")]
    assert found("problems", chart, "gout", "condition").notes == []
    assert found("problems", chart, "left gout", "condition").notes == []


def test_what_is_so_named_stands_before_what_has_the_words_beside_its_name() -> None:
    chart = [
        procedure("walk", "Walking test", performedDateTime="2025", reasonCode=[{"text": "CABG history"}]),
        procedure("bypass", "Coronary artery bypass graft", performedDateTime="2024"),
    ]
    answer = found("procedures", chart, "CABG", "procedure")
    assert refs(answer) == ["bypass", "walk"]
    assert "1 record, listed last, with `CABG` only in other texts than the name." in answer.notes


@pytest.mark.parametrize(
    ("kind", "words", "name", "longer"),
    [
        ("medications", "epinephrine", "epinephrine 1 MG/ML", "norepinephrine 1 MG/ML"),
        ("medications", "estrogen", "Estrogens, conjugated 0.625 MG", "phytoestrogen"),
        ("medications", "prednisolone", "prednisolone 5 MG", "methylprednisolone 16 MG"),
        ("problems", "thyroid", "Thyroid nodule", "Parathyroid adenoma"),
        ("problems", "coma", "Comatose", "Glaucoma"),
    ],
)
def test_a_word_inside_a_longer_one_is_another_and_told_beside_what_is_found(
    kind: Kind, words: str, name: str, longer: str
) -> None:
    make = order if kind == "medications" else condition
    chart = [make("a", name), make("b", longer)]
    answer = found(kind, chart, words, "drug", "class", "condition")
    assert refs(answer) == ["a"]
    assert [note for note in answer.notes if note.startswith("Not listed, ") and longer in note]
    alone = found(kind, chart[1:], words, "drug", "class", "condition")
    assert alone.rows == []
    assert [note for note in alone.notes if f"similarly spelled in this chart: {longer}." in note]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("fracture", "Fractures of the wrist"),
        ("beta blocker", "Beta-blocker poisoning"),
        ("Beta-blocker", "Beta blocker poisoning"),
        ("COVID-19", "COVID-19 pneumonia"),
        ("hypothyroid", "Hypothyroidism (disorder)"),
        ("thyroid", "Hypothyroidism (disorder)"),
        ("peanut", "Allergy to peanuts"),
    ],
)
def test_plurals_hyphens_and_the_beginning_of_a_word_are_found(words: str, name: str) -> None:
    assert refs(found("problems", [condition("a", name)], words, "condition")) == ["a"]


def test_words_found_nowhere_are_told_with_how_many_records_there_are() -> None:
    chart = [condition("a", "Gout"), condition("b", "Asthma")]
    unknown, known = (found("problems", chart, words, "condition") for words in ("zorbitis", "DVT"))
    assert unknown.notes == [
        "None of the records of this kind (2) contains these words; another word for it, or no `text`, may "
        "find more."
    ]
    assert "also read as Deep vein thrombosis" in known.notes[0]
    assert found("problems", [], "zorbitis", "condition").notes == []


def test_a_class_finds_its_drugs_and_every_other_word_must_occur() -> None:
    chart = [order("a", "lisinopril 10 MG"), order("b", "atenolol")]
    assert refs(found("medications", chart, "ACE inhibitors", "drug", "class")) == ["a"]
    assert refs(found("medications", [order("c", "amoxicillin")], "penicillins", "drug", "class")) == ["c"]
    assert refs(found("medications", chart, "ACE inhibitor 10", "drug", "class")) == ["a"]
    assert refs(found("medications", chart, "ACE inhibitor zorbitol", "drug", "class")) == []


def test_names_that_are_each_asked_for_are_found_by_what_they_mean_or_by_all_words_of_one() -> None:
    chart = [
        order("drug", "albuterol 90 MCG"),
        order("name", "Inhaler (LABAs)"),
        order("other", "Labatol"),
        order("not", "atenolol"),
    ]
    answer = found("medications", chart, "beta agonist or laba or saba", "drug", "class")
    assert (refs(answer), answer.notes) == (
        ["drug", "name"],
        ["`beta agonist or laba or saba` read as any beta agonist that the dictionary knows."],
    )


def test_what_a_reference_that_leads_nowhere_calls_a_drug_tells_its_class() -> None:
    elsewhere = {"display": "Timolol 0.5 % eye drops", "reference": "https://eyes.example.org/Medication/1"}
    chart = [{**order("a", ""), "medicationCodeableConcept": None, "medicationReference": elsewhere}]
    assert refs(found("medications", chart, "beta blocker", "drug", "class")) == ["a"]


ALLERGY: tuple[terminology.Kind, ...] = ("drug", "class", "substance")


def allergy(identity: str, name: str) -> dict[str, Any]:
    active = {"coding": [{"code": "active"}]}
    kind = {"resourceType": "AllergyIntolerance", "id": identity, "clinicalStatus": active}
    return {**kind, "code": {"text": name}}


@pytest.mark.parametrize(
    ("kind", "record", "words", "kinds"),
    [
        ("allergies", allergy("a", "Wasp venom"), "wasp allergy", ALLERGY),
        ("allergies", allergy("a", "Wasp venom"), "allergic to wasps", ALLERGY),
        ("allergies", allergy("a", "Zorbitol"), "zorbitol allergy", ALLERGY),
        ("medications", order("a", "metformin 500 MG Oral Tablet"), "metformin tablets", ("drug", "class")),
        ("medications", order("a", "metformin hydrochloride 500 MG"), "Metformin HCl", ("drug", "class")),
        ("medications", order("a", "simvastatin"), "statin therapy", ("drug", "class")),
        ("problems", condition("a", "Gout"), "gout diagnosis", ("condition",)),
    ],
)
def test_words_that_only_say_the_kind_or_form_need_not_occur(
    kind: Kind, record: dict[str, Any], words: str, kinds: tuple[terminology.Kind, ...]
) -> None:
    assert refs(found(kind, [record], words, *kinds)) == ["a"]


def test_words_of_the_kind_alone_list_all_of_it_and_say_so() -> None:
    chart = [allergy("none", "NKDA"), allergy("wasp", "Wasp venom"), allergy("egg", "Egg")]
    every = found("allergies", chart, "allergy", *ALLERGY)
    assert (sorted(refs(every)), every.finding) == (["egg", "none", "wasp"], "recorded")
    assert "`allergy` read as all of this kind." in every.notes


@pytest.mark.parametrize("words", ["latex", "mold allergy"])
def test_that_no_allergy_is_known_is_not_said_beside_others_that_are_not_shown(words: str) -> None:
    none = allergy("none", "No known drug allergy")
    beside, alone = (
        found("allergies", chart, words, *ALLERGY).notes for chart in ([none, allergy("a", "Egg")], [none])
    )
    assert not [note for note in beside if "known drug" in note]
    assert alone[0] == 'The chart records "No known drug allergy" (AllergyIntolerance/none).'


@pytest.mark.parametrize(
    ("recorded", "words", "by"),
    [
        ("Penicillin", "amoxicillin", "penicillin"),
        ("Penicillin V", "Augmentin", "penicillin"),
        ("Sulfonamide", "Bactrim", "sulfa drug"),
        ("Antibiotics", "ciprofloxacin", "antibiotic"),
        ("Aspirin", "ibuprofen", "NSAID"),
        ("Aspirin", "clopidogrel", None),
        ("Penicillin", "ciprofloxacin", None),
        ("Egg", "amoxicillin", None),
    ],
)
def test_an_allergy_to_the_class_of_a_drug_or_to_one_like_it_is_told(
    recorded: str, words: str, by: str | None
) -> None:
    answer = found("allergies", [allergy("a", recorded)], words, *ALLERGY)
    told = [note for note in answer.notes if note.startswith("Recorded, and related")]
    said = f"Recorded, and related to `{words}` by class ({by}): {recorded} (AllergyIntolerance/a, active)."
    assert (answer.rows, told) == ([], [said] if by else [])


@pytest.mark.parametrize(
    ("brand", "one", "other"),
    [
        ("Percocet", "acetaminophen", "oxycodone"),
        ("augmentin", "amoxicillin", "clavulanate"),
        ("symbicort", "budesonide", "formoterol"),
        ("Entresto", "sacubitril", "valsartan"),
    ],
)
def test_the_brand_of_a_combination_means_all_its_ingredients_and_one_alone_is_told_beside_them(
    brand: str, one: str, other: str
) -> None:
    both = [order("both", f"{one} 325 MG / {other} 5 MG Oral Tablet"), order("named", f"{brand} tablets")]
    answer = found("medications", [order("one", one), *both], brand, "drug", "class")
    assert sorted(refs(answer)) == ["both", "named"]
    assert answer.notes == [
        f"`{brand}` read as {one} with {other}.",
        f"Recorded, and related to `{brand}` by ingredient ({one}): {one} (MedicationRequest/one, active).",
    ]
    alone = found("medications", [order("one", one)], f"{brand} tablets", "drug", "class")
    assert (alone.rows, alone.finding) == ([], "nothing_recorded")
    assert [note for note in alone.notes if f"{one} (MedicationRequest/one, active)" in note]
    assert refs(found("allergies", [allergy("a", other)], brand, *ALLERGY)) == ["a"]


@pytest.mark.parametrize(
    ("patient", "kind", "words", "name"),
    [
        ("hard-amara-okafor", "problems", "high blood pressure", "Hypertensive disorder"),
        ("hard-amara-okafor", "problems", "HTN", "Hypertensive disorder"),
        ("hard-amara-okafor", "medications", "ACE inhibitor", "lisinopril"),
        ("hard-mei-tanaka", "medications", "blood thinner", "warfarin"),
    ],
)
@pytest.mark.anyio
async def test_everyday_words_and_classes_find_the_records(
    embedded: Starlette, patient: str, kind: str, words: str, name: str
) -> None:
    async with session(embedded, patient) as client:
        answer = data(await client.call_tool("list_records", {"kind": kind, "text": words}))
    assert [row["name"] for row in answer["rows"] if row["name"].startswith(name)]
    assert any(note.startswith(f"`{words}` read as") for note in answer["notes"])


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("amoxycillin", "amoxicillin"),
        ("amoxicilin allergy", "amoxicillin"),
        ("allergic to penicilin", "any penicillin that the dictionary knows or Penicillin"),
    ],
)
def test_a_misspelt_drug_is_read_and_warns_of_an_allergy_to_its_class(words: str, read: str) -> None:
    answer = found("allergies", [allergy("pen", "Penicillin V"), allergy("egg", "Egg")], words, *ALLERGY)
    listed, told = refs(answer), " ".join(answer.notes)
    assert listed == ["pen"] or "by class (penicillin): Penicillin V (AllergyIntolerance/pen" in told
    assert f"read as {read}" in told


@pytest.mark.parametrize(
    ("words", "recorded"),
    [("ibuprophen", "Aspirin"), ("cotrimoxazole", "Sulfadiazine"), ("sulpha", "Sulfonamide")],
)
def test_other_spellings_of_a_drug_warn_as_its_name_does(words: str, recorded: str) -> None:
    answer = found("allergies", [allergy("a", recorded)], words, *ALLERGY)
    assert refs(answer) == ["a"] or f"{recorded} (AllergyIntolerance/a" in " ".join(answer.notes)


def test_a_word_that_is_spelt_right_is_read_as_no_other_drug() -> None:
    chart = [order("a", "penicillin V potassium 250 MG"), order("b", "digoxin 0.125 MG")]
    for words in ("penicillamine", "digitoxin"):
        assert refs(found("medications", chart, words, "drug", "class")) == []


@pytest.mark.parametrize(
    "words",
    ["blood pressure", "blood pressure medicines", "bp", "bp meds", "high blood pressure",
     "anti-hypertensive", "losartan or lisinopril", "lisinopril and amlodipine", "Losartan and lisinoprl"],
)  # fmt: skip
def test_medications_are_found_by_what_they_are_for_and_by_each_of_several_names(words: str) -> None:
    chart = [order("a", "lisinopril 10 MG Oral Tablet"), order("b", "simvastatin 10 MG Oral Tablet")]
    answer = found("medications", chart, words, "drug", "class")
    assert refs(answer) == ["a"]
    assert [note for note in answer.notes if note.startswith(f"`{words}` read as ")]


def test_of_several_names_with_another_word_every_word_must_occur() -> None:
    chart = [order("a", "lisinopril 10 MG"), order("b", "losartan 50 MG")]
    assert refs(found("medications", chart, "lisinopril or losartan", "drug", "class")) == ["a", "b"]
    assert refs(found("medications", chart, "lisinopril or zorbitol", "drug", "class")) == []
    assert refs(found("medications", chart, "lisinopril losartan", "drug", "class")) == []
