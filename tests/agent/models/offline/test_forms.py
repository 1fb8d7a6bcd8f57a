"""The form and strength of a drug that a question names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.forms import form_after, form_before, strength_after, suits
from agent.models.offline.words import stems, words


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("eye drops", "eye"),
        ("cream", "cream"),
        ("oral tablets", "oral"),
        ("inhaler", "inhaled"),
        ("dose", ""),
    ],
)
def test_words_after_a_drug_tell_its_form(said: str, form: str) -> None:
    assert form_after(words(said), 0) == (form, len(words(said)) if form else 0)


def test_a_word_before_a_drug_tells_its_form() -> None:
    assert [form_before(word) for word in ("topical", "IV".lower(), "new")] == ["topical", "injected", ""]


@pytest.mark.parametrize(
    ("said", "strength"),
    [("500 mg", "500"), ("500mg", "500"), ("0.5 % eye drops", "0.5"), ("500", ""), ("2 years", ""), ("", "")],
)
def test_a_number_with_a_unit_after_a_drug_is_its_strength(said: str, strength: str) -> None:
    assert strength_after(words(said), 0)[0] == strength


@pytest.mark.parametrize(
    ("form", "strength", "record", "suited"),
    [
        ("cream", "", "Compounded hydrocortisone cream", True),
        ("injected", "", "Compounded hydrocortisone cream", False),
        ("cream", "", "Hydrocortisone", True),
        ("", "500", "metformin hydrochloride 1000 MG Oral Tablet", False),
        ("", "300", "Clindamycin 300mg", True),
        ("oral", "500", "Metformin", True),
    ],
)
def test_a_record_suits_that_tells_the_same_or_nothing(
    form: str, strength: str, record: str, suited: bool
) -> None:
    assert suits(form, strength, stems(record)) is suited


@given(st.text(max_size=40))
def test_a_question_without_form_or_strength_suits_every_record(name: str) -> None:
    assert suits("", "", stems(name))
