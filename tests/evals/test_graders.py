import pytest

from agent.messages import Answer, AuditTrail, Citation, Grounding, ModelIdentity
from evals.gold.records import Gold
from evals.graders import grade


def answer(text: str, *refs: str, **changes: object) -> Answer:
    return Answer.model_validate(
        {
            "answer": text,
            "status": "answered",
            "citations": [Citation(ref=ref) for ref in refs],
            "model": ModelIdentity(name="scripted"),
            "audit": AuditTrail(session="s", events=1),
            "disclaimer": "",
            **changes,
        }
    )


VALUE = Gold(values=(("7.1",), ("2026-09-14", "14 September 2026")), refs=frozenset({"Observation/a"}))
TWELVE = Gold(refs=frozenset(f"Condition/{n}" for n in range(12)), any_ref=False)


def test_a_right_value_with_its_day_and_record_is_right() -> None:
    assert grade(answer("7.1 % on 14 September 2026.", "Observation/a"), VALUE) == ""


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (answer("17.1 % on 2026-09-14", "Observation/a"), "does not say 7.1"),
        (answer("7.15 % on 2026-09-14", "Observation/a"), "does not say 7.1"),
        (answer("7.1 %", "Observation/a"), "does not say 2026-09-14"),
        (answer("7.1 % on 2026-09-14", "Observation/b"), "cites none"),
        (answer("7.1 % on 2026-09-14", "Observation/a", status="not_in_chart"), "status is not_in_chart"),
        (
            answer("7.1 % on 2026-09-14", "Observation/a", grounding=Grounding(unsupported=("x",))),
            "unsupported: x",
        ),
    ],
)
def test_a_wrong_answer_is_wrong_for_a_reason(given: Answer, fault: str) -> None:
    assert fault in grade(given, VALUE)


def test_a_long_list_may_show_ten_when_it_counts_them_all() -> None:
    shown = [f"Condition/{n}" for n in range(10)]
    assert grade(answer("12 problems: ... and 2 more", *shown), TWELVE) == ""
    assert "12" in grade(answer("Problems: ...", *shown), TWELVE)
    assert "9 of 12" in grade(answer("12 problems", *shown[:9]), TWELVE)
    assert "do not belong" in grade(answer("12 problems", *shown, "Condition/x"), TWELVE)


def test_a_right_no_must_not_say_yes() -> None:
    no = Gold(status="answered|not_in_chart", absent=("yes",))
    assert grade(answer("No record of warfarin.", status="not_in_chart"), no) == ""
    assert grade(answer("Yes: warfarin."), no) == "says yes"
