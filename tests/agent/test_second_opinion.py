"""A second opinion: what of two answers to one question differs."""

import pytest

from agent.messages import Answer, AuditTrail, Citation, ModelIdentity, Status
from agent.second_opinion import second_opinion


def _answer(text: str, *refs: str, status: Status = "answered", model: str = "stand-in") -> Answer:
    return Answer(
        answer=text,
        status=status,
        citations=tuple(Citation(ref=ref) for ref in refs),
        model=ModelIdentity(name=model),
        audit=AuditTrail(session="s", events=0),
        disclaimer="",
    )


RULES = _answer(
    "Latest Potassium: 4.1 mmol/L on 2026-01-02 (reference range 3.5-5.1) [Observation/k1].", "Observation/k1"
)


@pytest.mark.parametrize(
    "answer",
    [
        _answer("Potassium was 4.1 mmol/L on January 2, 2026 [Observation/k1].", "Observation/k1"),
        _answer("It was 4.1.", "Observation/k1"),
        _answer("4.1 mmol/L in January 2026 [Observation/k1]", "Observation/k1", "Observation/k0"),
    ],
)
def test_an_answer_that_says_the_same_with_more_or_less_around_it_agrees(answer: Answer) -> None:
    second = second_opinion(answer, RULES)
    assert second.differences == ()
    assert second.agrees is True


@pytest.mark.parametrize(
    ("answer", "difference"),
    [
        (_answer("It was 4.7 mmol/L on 2026-01-02.", "Observation/k1"), "numbers 4.7 against 3.5, 4.1, 5.1"),
        (_answer("4.1 mmol/L on 2025-01-02.", "Observation/k1"), "dates 2025-01-02 against 2026-01-02"),
        (_answer("4.1 mmol/L.", "Observation/k9"), "records Observation/k9 against Observation/k1"),
        (_answer("None recorded.", status="not_in_chart"), "status not_in_chart against answered"),
    ],
)
def test_another_number_date_record_or_status_is_a_difference(answer: Answer, difference: str) -> None:
    second = second_opinion(answer, RULES)
    assert second.agrees is False
    assert difference in second.differences


@pytest.mark.parametrize("status", ["refused", "failed"])
def test_without_two_answers_there_is_nothing_to_agree_on(status: Status) -> None:
    assert second_opinion(RULES, _answer("I do not guess.", status=status)).agrees is None
    assert second_opinion(_answer("Broken.", status=status), RULES).agrees is None
