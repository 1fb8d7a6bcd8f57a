"""The gold of problems, medications, care and persons, on charts small enough to be worked out by hand."""

from datetime import date

from evals.gold import care, events, medications, people, problems, summaries
from evals.gold import measurements as measured
from evals.gold.expected import NOTHING, Day, Expected, Interval, Number, Verdict, Words
from tests.evals.gold.records import chart, coded, condition, order, sodium, visit


def refs(answer: Expected | None) -> set[str]:
    assert answer is not None
    return set(answer.refs)


def test_a_problem_is_asked_about_by_its_records() -> None:
    held = chart(
        condition("J45", "Asthma (disorder)", onsetDateTime="2019-05"),
        condition("M10", "Gout", "resolved", onsetDateTime="2020-01-02", abatementDateTime="2020-03-04"),
        condition("I50", "Heart failure", verificationStatus={"coding": [{"code": "refuted"}]}),
    )
    asthma, gout = (
        problems.problem(held, {code}, name) for code, name in (("J45", "asthma"), ("M10", "gout"))
    )
    assert asthma is not None
    assert gout is not None
    assert refs(problems.active(held)) == {"Condition/r1"}
    assert refs(problems.past(held)) == {"Condition/r2"}
    assert problems.has_now(asthma).says == (Verdict(yes=True),)
    assert problems.has_now(gout).says == (Verdict(yes=False),)
    assert problems.ever(gout).says == (Verdict(yes=True),)
    assert (since := problems.since(asthma)) is not None
    assert since.says == (Day("2019-05"),)
    assert (over := problems.resolved(gout)) is not None
    assert over.says == (Day("2020-03-04"),)


def test_a_word_that_two_problems_share_is_not_asked_about() -> None:
    held = chart(condition("E11", "Type 2 diabetes"), condition("E10", "Type 1 diabetes"))
    assert problems.problem(held, {"E11"}, "diabetes") is None


def test_a_drug_is_told_by_its_orders() -> None:
    reason = condition("E11", "Type 2 diabetes")
    held = chart(
        reason,
        order("Metformin 500 MG", "2019-02-03", "stopped", reasonReference=[{"reference": "Condition/r1"}]),
        order("Metformin 1000 MG", "2021-02-03", reasonReference=[{"reference": "Condition/r1"}]),
        order("Warfarin", "2020-01-01", "stopped"),
        order("Digoxin", "2020-01-01", "on-hold"),
    )
    assert (now := medications.now_on(held, ["metformin"])) is not None
    assert now.says == (Verdict(yes=True),)
    assert now.refs == {"MedicationRequest/r3"}
    assert (warfarin := medications.now_on(held, ["warfarin"])) is not None
    assert warfarin.says == (Verdict(yes=False),)
    assert medications.now_on(held, ["digoxin"]) is None
    assert (never := medications.ever_on(held, ["insulin"])) is not None
    assert never.says == (Verdict(yes=False),)
    assert (begun := medications.started(held, ["metformin"])) is not None
    assert begun.says == (Day("2019-02-03"),)
    assert (why := medications.reason(held, ["metformin"])) is not None
    assert why.says == (Words(("type 2 diabetes",)),)
    assert medications.stopped(held, ["metformin"]) is None
    assert refs(medications.stopped(held, ["warfarin"])) == {"MedicationRequest/r4"}


def test_visits_are_told_by_class_length_and_reason() -> None:
    stay = visit("2026-02-01", "2026-02-06", "IMP", reasonCode=[{"text": "Pneumonia"}])
    held = chart(visit("2025-03-01"), visit("2026-03-01"), stay)
    inpatient = care.visits(held, "IMP")
    everything = care.visits(held)
    assert inpatient
    assert everything
    assert (last := care.last_visit(everything)) is not None
    assert last.says == (Day("2026-03-01"),)
    assert (length := care.stay(inpatient)) is not None
    assert length.says == (Interval(date(2026, 2, 1), date(2026, 2, 6)),)
    assert (reason := care.why(inpatient)) is not None
    assert reason.says == (Words(("pneumonia",)),)
    assert care.visits_in(everything, date(2026, 2, 3), None) is None
    assert len(care.visits_in(everything, date(2026, 1, 1), None) or []) == 2


def test_age_counts_full_years() -> None:
    held = chart()
    for day, years in ((date(1990, 3, 30), 29), (date(1990, 3, 31), 30)):
        assert (age := people.age(held, day)) is not None
        assert age.says == (Number(years),)


def test_values_around_an_event_are_fair_only_where_none_lies_beside_it() -> None:
    found = measured.results(
        chart(sodium("2024-01-10", 130), sodium("2024-06-10", 135)), frozenset({"2951-2"})
    )
    assert found is not None
    assert (before := events.before(found, date(2024, 3, 1), "Procedure/p")) is not None
    assert before.refs == {"Observation/r1"}
    assert before.also == frozenset({"Procedure/p"})
    assert events.before(found, date(2024, 6, 11), "Procedure/p") is None


def test_a_summary_touches_on_every_part_that_the_chart_has() -> None:
    held = chart(condition("J45", "Asthma"), order("Warfarin", "2020-01-01"))
    assert (answer := summaries.of_chart(held)) is not None
    assert [set(group) for group in answer.groups] == [{"Condition/r1"}, {"MedicationRequest/r2"}]
    assert problems.active(chart()) == NOTHING


def test_a_dose_that_was_refused_may_be_told_beside_those_that_were_given() -> None:
    given = {"resourceType": "Immunization", "status": "completed", "vaccineCode": coded("88", "flu")}
    days = ({"occurrenceDateTime": day} for day in ("2019-11-01", "2020-11-01"))
    refused = {**given, "status": "not-done", "occurrenceDateTime": "2021-11-01"}
    held = chart(*({**given, **day} for day in days), refused)
    answer = care.all_of(care.given(held, {"88"}, "flu") or [], care.not_given(held, {"88"}))
    assert refs(answer) == {"Immunization/r1", "Immunization/r2"}
    assert answer is not None
    assert answer.also == frozenset({"Immunization/r3"})
