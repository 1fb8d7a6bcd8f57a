"""Lists, values and free text as sentences."""

from agent.models.offline.chart import Row
from agent.models.offline.wording import (
    REFERENCE,
    Wording,
    day,
    flags,
    inline,
    many,
    name,
    noted,
    reason,
    value,
    when,
)

WORDING = Wording()


def _name(row: Row) -> str:
    return str(row["name"])


def test_a_list_shows_ten_rows_and_that_there_are_others() -> None:
    rows: list[Row] = [{"name": str(number)} for number in range(11)]
    assert WORDING.listed(rows[:10], _name) == "; ".join("0123456789")
    assert WORDING.listed(rows, _name) == "; ".join("0123456789") + "; and others"


def test_a_list_of_repeats_shows_the_newest_of_each_name_newest_first() -> None:
    rows: list[Row] = [{"name": name} for name in ("b", "a", "B", "b", "a")]
    assert WORDING.listed(rows, _name, each=True) == "b; a"


def test_a_list_of_long_rows_stays_within_an_answer() -> None:
    rows: list[Row] = [{"name": f"{number}" * 1000} for number in range(9)]
    assert len(WORDING.listed(rows, _name)) < 3600


def test_a_value_is_written_as_recorded() -> None:
    assert value({"value": 7.0, "unit": "%"}) == "7.0 %"
    assert value({"value": 0.01, "unit": "ng/mL", "comparator": "<"}) == "<0.01 ng/mL"
    assert value({"value": "138/84"}) == "138/84"
    assert value({"value": "Never smoker (finding)"}) == "Never smoker"
    assert value({"value": 37.8, "unit": "Cel"}) == "37.8 °C"
    assert value({"value": 2.4, "unit": "{INR}"}) == "2.4"
    assert value({"absent": "hemolysed"}) == "no value (hemolysed)"


def test_a_date_keeps_its_precision() -> None:
    assert [day(one) for one in ("2019", "2019-05", "2019-05-03T10:00:00Z")] == [
        "2019",
        "2019-05",
        "2019-05-03",
    ]
    assert day("as a child, in Porto") == "as a child, in Porto"
    assert [when({"date": "2019"}), when({"date": "2019-05-03"}), when({})] == [
        " in 2019",
        " on 2019-05-03",
        " (no date)",
    ]


def test_what_is_not_plainly_normal_and_final_is_flagged() -> None:
    assert flags({"interpretation": "Normal", "status": "final"}) == ""
    assert flags({"interpretation": "High", "range": "4-6 %", "status": "amended"}) == (
        " (interpretation High; reference range 4-6 %; status amended)"
    )


def test_a_count_agrees_with_its_noun() -> None:
    assert [many(n, "visit") for n in (1, 2)] == ["1 visit", "2 visits"]
    assert [many(n, "recorded allergy") for n in (1, 0)] == ["1 recorded allergy", "0 recorded allergies"]


def test_a_name_is_shown_without_its_semantic_tag() -> None:
    assert name({"name": "Appendectomy (procedure)"}) == "Appendectomy"
    assert name({"name": "Hep B (adult)"}) == "Hep B (adult)"
    assert name({}) == "unnamed record"


def test_a_reason_that_could_not_be_read_is_not_told_as_none() -> None:
    assert reason({}) == "no reason recorded"
    assert reason({"reason": "Chest pain."}) == "reason: Chest pain"
    assert reason({"reason": "Condition/c1"}) == "the record of its reason could not be read"


def test_free_text_does_not_end_the_sentence_it_stands_in() -> None:
    assert inline("1 tablet. Take with food! Stop if dizzy.") == "1 tablet; Take with food; Stop if dizzy"
    assert inline("0.5 mL") == "0.5 mL"


def test_notes_that_a_reader_must_know_are_kept_word_for_word() -> None:
    notes = [
        "`a1c` read as Hemoglobin A1c (code 4548-4).",
        "1 record entered in error left out.",
        "3 records not current left out (3 resolved); status=all lists them.",
        "1 with a comparator left out of the statistics: highest >8 of 2026-01-05 (Observation/x).",
    ]
    assert noted(notes) == (
        " Note: 1 record entered in error left out."
        " 1 with a comparator left out of the statistics: highest >8 of 2026-01-05 (Observation/x)."
    )
    assert noted(notes[:1]) == ""


def test_a_name_that_looks_like_a_citation_is_none() -> None:
    text = "Glucose [Mass/volume] in Blood 131 mg/dL [Observation/g-1] [MedicationRequest/m.2]"
    assert REFERENCE.findall(text) == ["Observation/g-1", "MedicationRequest/m.2"]
