"""An answer made of its evidence stands; anything else in it is marked."""

import re
from typing import Any

import pytest

from agent.grounding import GroundingReport, check
from agent.messages import ToolResult

NOW = "2026-11-22T09:00:00+01:00"
POTASSIUM = {
    "ref": "Observation/potassium",
    "name": "Potassium [Moles/volume] in Serum or Plasma",
    "code": "2823-3",
    "date": "2024-05-03T10:11:12Z",
    "value": 4.1,
    "unit": "mmol/L",
    "range": "3.5-5.1 mmol/L",
}
CREATININE = {
    "ref": "Observation/of-creatinine",
    "name": "Creatinine [Mass/volume] in Serum or Plasma",
    "code": "2160-0",
    "date": "2023-11-20",
    "value": 7.5,
    "unit": "mg/dL",
}
A1C = {
    "ref": "Observation/a1c",
    "name": "Hemoglobin A1c/Hemoglobin.total in Blood",
    "code": "4548-4",
    "date": "2024-02-01",
    "value": 7.9,
    "unit": "%",
}
PRESSURE = {
    "ref": "Observation/bp",
    "name": "Blood pressure panel",
    "date": "2024-02",
    "value": "138.9/87.7",
    "unit": "mm[Hg]",
    "components": [
        {"name": "Systolic blood pressure", "value": 138.9, "unit": "mm[Hg]"},
        {"name": "Diastolic blood pressure", "value": 87.7, "unit": "mm[Hg]"},
    ],
}
TROPONIN = {
    "ref": "Observation/troponin",
    "name": "Troponin T",
    "date": "2022-03-01",
    "value": 0.01,
    "comparator": "<",
    "unit": "ng/mL",
}
CEFUROXIME = {
    "ref": "MedicationRequest/cef",
    "name": "Cefuroxime 250 MG Oral Tablet",
    "date": "2024-01-01",
    "status": "active",
    "dose": "1 tablet twice a day",
}
DIABETES = {
    "ref": "Condition/dm",
    "name": "Diabetes mellitus type 2 (disorder)",
    "onset": "2012",
    "date": "2012",
}
JANE = {"ref": "Patient/1", "name": "Jane Doe", "birth_date": "1970-05-03", "sex": "female", "age": 56}
LEUKOCYTES = {
    "ref": "Observation/wbc",
    "name": "Leukocytes",
    "value": 6.2,
    "unit": "10*3/uL",
    "date": "2024-05-03",
}


def found(*rows: dict[str, Any], tool: str = "observations", **arguments: Any) -> ToolResult:
    data = {"finding": "recorded", "rows": list(rows), "total": len(rows), "returned": len(rows)}
    data |= {"truncated": False, "cursor": None, "notes": [], "as_of": NOW}
    return ToolResult(tool=tool, arguments=arguments, text="", data=data)


TEMPERATURE = {"ref": "Observation/temperature", "name": "Body temperature", "value": 37.8, "unit": "Cel"}
CHART = [
    found(POTASSIUM, name="potassium"),
    found(CREATININE, name="creatinine"),
    found(A1C, name="HbA1c"),
    found(PRESSURE, name="blood pressure"),
    found(TEMPERATURE, name="temperature"),
    found(TROPONIN, name="troponin"),
    found(LEUKOCYTES, name="white count"),
    found(CEFUROXIME, tool="list_records", kind="medications"),
    found(DIABETES, tool="list_records", kind="problems"),
    found(JANE, tool="chart_overview"),
]


def ask(text: str, question: str = "How is she?", results: list[ToolResult] | None = None) -> GroundingReport:
    return check(text, [], CHART if results is None else results, question, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "The last potassium was 4.1 mmol/L on 2024-05-03 [Observation/potassium].",
        "Potassium: **4.1** mmol/L (range 3.5-5.1 mmol/L, LOINC 2823-3) at 10:11 [Observation/potassium]",
        "Potassium was 4.10 mmol/L on May 3, 2024. [Observation/potassium]",
        "Potassium was 4.1 on 3 May 2024 [Observation/potassium] and creatinine 7.5 mg/dL in Nov 2023 "
        "[Observation/of-creatinine].",
        "The last HbA1c was 7.9 % [Observation/a1c]. It was taken on 1 February 2024.",
        "HbA1c: 7.9 percent, 02/01/2024 [Observation/a1c]",
        "Blood pressure: 138.9/87.7 mmHg in 2024-02 [Observation/bp].",
        "BP 138.9/87.7 [Observation/bp]",
        "Systolic 138.9 and diastolic 87.7 mmHg [`Observation/bp`]",
        "Temperature 37.8 °C [Observation/temperature].",
        "Troponin T < 0.01 ng/mL on 1st March 2022 [Observation/troponin]",
        "Troponin was below 0.01 ng/mL [Observation/troponin]",
        "The white count was 6.2 x10^3/µL [Observation/wbc].",
        "1. Potassium 4.1 [Observation/potassium]\n2. Creatinine 7.5 [Observation/of-creatinine]",
        "| Potassium | 4.1 | [Observation/potassium] |\n| Creatinine | 7.5 | [Observation/of-creatinine] |",
        "Current medications:\n- Cefuroxime 250 MG Oral Tablet, 1 tablet twice a day [MedicationRequest/cef]",
        "Her only prescription is of 2024-01-01 [MedicationRequest/cef].",
        "Jane Doe is 56 years old, female, born May 3, 1970 [Patient/1].",
        "She has type 2 diabetes since 2012 [Condition/dm].",
        "As of 2026-11-22 her potassium is 4.1 [Observation/potassium].",
        "Two labs: potassium 4.1 [Observation/potassium], creatinine 7.5 [Observation/of-creatinine].",
        "1 active medication is recorded.",
        "Number of problems: 1.",
        "",
    ],
)
def test_an_answer_that_repeats_its_evidence_stands(text: str) -> None:
    report = ask(text)
    assert report.grounding.unsupported == ()
    assert report.text == text


@pytest.mark.parametrize(
    ("text", "unsupported"),
    [
        ("Potassium was 4.2 mmol/L [Observation/potassium].", "4.2"),
        ("Potassium was 7.5 mmol/L [Observation/potassium].", "7.5"),
        ("Potassium 7.5 [Observation/of-creatinine]", "Observation/of-creatinine"),
        ("Potassium was 4 mmol/L [Observation/potassium].", "4"),
        ("Potassium was 4.1 mg/dL [Observation/potassium].", "4.1"),
        ("Potassium was -4.1 [Observation/potassium].", "-4.1"),
        ("Potassium was >4.1 [Observation/potassium].", ">4.1"),
        ("Potassium was 4.1 on 2024-05-04 [Observation/potassium].", "2024-05-04"),
        ("Potassium was 4.1 in June 2024 [Observation/potassium].", "June 2024"),
        ("Potassium was 4.1 on May 4th [Observation/potassium].", "May 4th"),
        ("Potassium was 4.1 on 2026-11-22 [Observation/potassium].", "2026-11-22"),
        ("Potassium was 4.1 at 11:11 [Observation/potassium].", "11:11"),
        ("Potassium was _7.7_ [Observation/potassium].", "7.7"),
        ("Potassium was 1.2.3 [Observation/potassium].", "1.2.3"),
        ("Potassium was 1 [Observation/potassium].", "1"),
        ("Potassium was 1 mmol/L [Observation/potassium].", "1"),
        ("HbA1c was 7.9 mmol/L [Observation/a1c].", "7.9"),
        ("HbA1c7.7 [Observation/a1c]", "HbA1c7"),
        ("The HbA2c was 7.9 % [Observation/a1c].", "HbA2c"),
        ("Blood pressure 87.7/138.9 [Observation/bp]", "87.7/138.9"),
        ("Blood pressure 140/88 [Observation/bp]", "140/88"),
        ("Blood pressure was in 2024-02-01 [Observation/bp].", "2024-02-01"),
        ("Troponin was 0.01 ng/mL [Observation/troponin].", "0.01"),
        ("She takes warfarin.", "warfarin"),
        ("- Warfarin [MedicationRequest/cef]", "Warfarin"),
        ("Cefuroxime 500 MG Oral Tablet [MedicationRequest/cef]", "500"),
        ("She has type 1 diabetes [Condition/dm].", "1"),
        ("Jane Doe is 57 years old [Patient/1].", "57"),
        ("Seven problems are recorded.", "Seven"),
        ("7 problems are recorded.", "7"),
        ("Creatinine was 7.5 [Observation/nowhere].", "Observation/nowhere"),
        ("Mary Roe has diabetes [Condition/dm].", "Mary"),
        ("Her creatinine is 4.1.", "4.1"),
    ],
)
def test_a_claim_that_does_not_stand_in_its_row_is_marked(text: str, unsupported: str) -> None:
    report = ask(text)
    assert unsupported in report.grounding.unsupported
    assert f"⟨unverified: {unsupported}⟩" in report.text
    assert unmarked(report.text) == text


@pytest.mark.parametrize(
    ("question", "text", "stands"),
    [
        ("Is she on warfarin?", "No, there is no record of warfarin.", True),
        ("Is she on warfarin?", "Warfarin is not recorded.", True),
        ("Is she on warfarin?", "Yes, she takes warfarin.", False),
        ("Is she on eliquis?", "She takes eliquis.", False),
        ("Is she on eliquis?", "Nothing is wrong; she takes eliquis.", False),
        ("Is she on eliquis 5 mg?", "There is no eliquis 5 mg in the chart.", True),
        ("Is her HbA1c above 7?", "Yes, HbA1c is above 7 [Observation/a1c].", True),
        ("Is her HbA1c above 8?", "Yes, HbA1c is above 8 [Observation/a1c].", False),
        ("Any potassium since 2020?", "Since 2020 potassium was 4.1 [Observation/potassium].", True),
        ("Any potassium since 2025?", "Since 2025 potassium was 4.1 [Observation/potassium].", False),
        (
            "Potassium from 2020 to 2025?",
            "Between 2020 and 2025 potassium was 4.1 [Observation/potassium].",
            True,
        ),
        (
            "Potassium from 2025 to 2026?",
            "Between 2025 and 2026 potassium was 4.1 [Observation/potassium].",
            False,
        ),
        ("Potassium around May 2024?", "Around 2024-05 potassium was 4.1 [Observation/potassium].", True),
        ("Potassium around May 2024?", "Potassium 4.1 [Observation/potassium], 43 days before.", False),
        ("Potassium at age 60?", "At age 60 potassium was 4.1 [Observation/potassium].", True),
        ("Potassium at age 60?", "She is 60 and potassium was 4.1 [Observation/potassium].", False),
        ("Was it measured in 2019?", "No creatinine was recorded in 2019.", True),
        ("Was it measured in 2019?", "Creatinine was measured in 2019.", False),
        (
            "The last 3 potassium values?",
            "Of the last 3 values, potassium 4.1 [Observation/potassium].",
            True,
        ),
    ],
)
def test_what_stands_only_in_the_question_may_be_denied_or_bound_but_not_affirmed(
    question: str, text: str, stands: bool
) -> None:
    assert (ask(text, question).grounding.unsupported == ()) is stands


VISIT = {
    "ref": "Encounter/e",
    "name": "Check up (procedure)",
    "class": "ambulatory",
    "date": "2024-05-03T09:00:00Z",
}
NO_ALLERGY = {"ref": "AllergyIntolerance/n", "name": "No known allergy (situation)", "negation": True}


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Highest since 2020?",
            "Highest Potassium since 2020: 4.1 mmol/L, of 1 results [Observation/potassium].",
        ),
        ("Last magnesium since 2020?", "No magnesium result is recorded in this chart since 2020."),
        ("Is she on cefuroxime?", "Yes: Cefuroxime 250 MG Oral Tablet [MedicationRequest/cef]."),
        (
            "Is she on warfarin?",
            "No record of warfarin in the medication list (1 medication records checked).",
        ),
        ("Any allergies?", "Recorded as none: No known allergy (situation) [AllergyIntolerance/n]."),
        ("Allergies?", "No allergy records in this chart: that is not the same as no allergies."),
        ("Last visit?", "Last visit: Check up (procedure), ambulatory, on 2024-05-03 [Encounter/e]."),
        ("Who is this?", "Name Jane Doe, 56 years old, born 1970-05-03, sex female [Patient/1]."),
    ],
)
def test_the_wording_of_everyday_answers_is_not_mistaken_for_claims(question: str, text: str) -> None:
    visits = found(VISIT, tool="list_records", kind="encounters")
    allergies = found(NO_ALLERGY, tool="list_records", kind="allergies")
    assert ask(text, question, [*CHART, visits, allergies]).grounding.unsupported == ()


def test_no_record_cannot_be_said_when_every_call_failed() -> None:
    down = ToolResult(tool="observations", arguments={}, text="[server_failed] down", error="server_failed")
    assert ask("There is no record of it.", results=[down]).grounding.unsupported == ("no record of it",)
    assert ask("There is no record of it.", results=[down, found()]).grounding.unsupported == ()


def test_citations_that_stand_are_kept_once_and_others_are_reported() -> None:
    report = check(
        "Potassium was 4.1 [Observation/potassium].",
        ["Observation/a1c", "[Observation/potassium]", "Observation/nowhere", "prose"],
        CHART,
        "",
        NOW,
    )
    assert report.citations == ("Observation/a1c", "Observation/potassium")
    assert report.grounding.unsupported == ("Observation/nowhere", "prose")


def test_a_note_of_a_result_may_be_repeated_word_for_word_and_cites_nothing() -> None:
    note = "On hold: glipizide 10 MG (MedicationRequest/held) since 2020-03."
    result = found(CEFUROXIME, tool="list_records", kind="medications")
    assert result.data is not None
    results = [result.model_copy(update={"data": {**result.data, "notes": [note]}})]
    said = "One medication [MedicationRequest/cef]. Note: "
    report = ask(said + note, results=results)
    assert report.grounding.unsupported == ()
    assert report.citations == ("MedicationRequest/cef",)
    held = found({**CEFUROXIME, "ref": "MedicationRequest/held"}, tool="list_records")
    assert ask(said + note, results=[*results, held]).citations == ("MedicationRequest/cef",)
    for altered in (note.replace("10", "20"), note.replace("held", "other"), note[:-1] + "-01."):
        assert ask(said + altered, results=results).grounding.unsupported != ()


def test_a_statistics_row_is_cited_by_any_of_its_records() -> None:
    row = {"name": "Potassium", "unit": "mmol/L", "n": 12, "mean": 4.266666666666667, "min": 3.9, "max": 5.0}
    stats = found(row | {"refs": ["Observation/p1", "Observation/p9"]})
    good = "Potassium was measured 12 times, mean 4.27 mmol/L, between 3.9 and 5.0 [Observation/p9]."
    assert ask(good, results=[stats]).grounding.unsupported == ()
    wrong = "Potassium was 12 mmol/L [Observation/p1]."
    assert ask(wrong, results=[stats]).grounding.unsupported == ("12",)


@pytest.mark.parametrize(
    ("recorded", "written", "stands"),
    [
        (5.333333, "5.3", True),
        (5.333333, "5.4", False),
        (5.333333, "5", False),
        (5.65, "5.7", True),
        (5.65, "5.8", False),
        (138.9, "139", True),
        (7.9, "8", False),
        (2.125, "2.13", True),
        (2.125, "2.12", True),
        (0.012, "0.01", False),
        (0.0123, "0.012", True),
        (1234.0, "1,234", True),
    ],
)
def test_a_value_may_be_rounded_to_two_significant_digits_and_no_fewer(
    recorded: float, written: str, stands: bool
) -> None:
    row = {"ref": "Observation/x", "name": "Glucose", "value": recorded}
    report = ask(f"Glucose was {written} [Observation/x].", results=[found(row)])
    assert (report.grounding.unsupported == ()) is stands


def test_numbers_inside_a_raw_resource_stand_but_its_codes_and_identifiers_do_not() -> None:
    resource = {
        "ref": "Observation/x",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"},
        "identifier": [{"value": "991"}],
        "valueQuantity": {"value": 5.5, "unit": "mmol/L", "code": "mmol/L"},
        "note": [{"text": "repeat within 48 hours"}],
    }
    results = [found(resource, tool="fhir_read", reference="Observation/x")]
    good = "Glucose (2345-7) was 5.5 mmol/L, repeat within 48 hours [Observation/x]."
    assert ask(good, results=results).grounding.unsupported == ()
    wrong = ask("Glucose was 2345 and 7 [Observation/x].", results=results)
    assert wrong.grounding.unsupported == ("2345", "7")


def unmarked(text: str) -> str:
    return re.sub(r"⟨unverified: (.*?)⟩", r"\1", text, flags=re.DOTALL)


def test_how_far_a_result_lies_from_the_day_asked_for_stands_before_it_or_after() -> None:
    near = {**POTASSIUM, "days": -43, "nearest": True}
    result = ToolResult(tool="observations", arguments={"near": "2024-06-15"}, text="", data={"rows": [near]})
    text = "Potassium around 2024-06-15: 4.1 mmol/L [Observation/potassium], 43 days before."
    report = check(text, (), [result], "Potassium around 15 June 2024?", NOW)
    assert report.grounding.unsupported == ()


@pytest.mark.parametrize(("sections", "stands"), [(["patient"], False), (["patient", "allergy"], True)])
def test_sections_of_an_overview_deny_only_what_they_are_of(sections: list[str], stands: bool) -> None:
    overview = found(JANE, tool="chart_overview", sections=sections)
    report = ask("There is no record of an allergy.", "Any allergies?", [overview])
    assert (report.grounding.unsupported == ()) is stands


@pytest.mark.parametrize(
    ("age", "stands"),
    [("52", False), ("53", True), ("53 or 54", True), ("53 or 55", False), ("54", True), ("55", False)],
)
def test_an_age_in_a_year_is_one_of_two(age: str, stands: bool) -> None:
    report = ask(f"{age} years old in 2024 [Patient/1].", "How old was she in 2024?")
    assert (report.grounding.unsupported == ()) is stands


@pytest.mark.parametrize(("day", "stands"), [("2026-11-22", True), ("2025-11-22", False)])
def test_the_age_of_a_patient_s_row_is_that_of_today(day: str, stands: bool) -> None:
    report = ask(f"56 years old on {day} [Patient/1].", f"How old was she on {day}?")
    assert (report.grounding.unsupported == ()) is stands
