"""The state of a chart on a day of the past: what held, what did not, and what cannot be told."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.charts import list_records
from mcp_servers.fhir.charts.errors import UnusableDate
from tests.mcp_servers.fhir.charts.records import NOW, Resource, allergy, amount, concept, condition, order

AT = "2020-06-15"
REFUTED = {"coding": [{"code": "refuted"}]}


def _state(kind: Any, record: Resource, at: str = AT) -> str | None:
    """`held`, the reason why it cannot be told, or None where it did not hold."""
    rows = list_records(kind, [record], at=at, now=NOW).rows
    return str(rows[0].get("uncertain", "held")) if rows else None


def _statement(status: str, **effective: Any) -> Resource:
    taken = {"medicationCodeableConcept": concept("aspirin"), **effective}
    return {"resourceType": "MedicationStatement", "id": "s", "status": status, **taken}


def _infusion(status: str, **effective: Any) -> Resource:
    return {**_statement(status, **effective), "resourceType": "MedicationAdministration"}


def _course(end: str) -> Resource:
    return {"timing": {"repeat": {"boundsPeriod": {"start": "2020-01-01", "end": end}}}}


def _standing(resource: str, status: str, start: str, end: str | None = None) -> Resource:
    period = {"start": start, **({"end": end} if end else {})}
    return {"resourceType": resource, "id": "x", "status": status, "period": period}


NOW_STOPPED = "now stopped; since when is not recorded"


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        ("problems", condition("c", "A", onsetDateTime="2019"), "held"),
        ("problems", condition("c", "A", onsetDateTime="2020-06-15T23:00:00-08:00"), "held"),
        ("problems", condition("c", "A", onsetDateTime="2020-06-16"), None),
        ("problems", condition("c", "A", onsetDateTime="2020"), "began in 2020"),
        ("problems", condition("c", "A", recordedDate="2019-01-01"), "held"),
        ("problems", condition("c", "A", recordedDate="2021-01-01"), None),
        ("problems", condition("c", "A"), "when it began is not recorded"),
        (
            "problems",
            condition("c", "A", onsetAge=amount(7, "years"), recordedDate="2021-01-01"),
            "onset at age 7 years, recorded later",
        ),
        (
            "problems",
            condition("c", "A", onsetAge=amount(7, "years")),
            "onset at age 7 years, when it was recorded is not said",
        ),
        ("problems", condition("c", "A", onsetAge=amount(7, "years"), recordedDate="2019-01-01"), "held"),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019", abatementDateTime="2021"),
            "held",
        ),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019", abatementDateTime="2020-06-14"),
            None,
        ),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019", abatementDateTime="2020-06-15"),
            "held",
        ),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019", abatementDateTime="2020"),
            "ended in 2020",
        ),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019"),
            "now resolved; since when is not recorded",
        ),
        (
            "problems",
            condition("c", "A", "resolved", onsetDateTime="2019", abatementString="in summer"),
            "now abated in summer; since when is not recorded",
        ),
        (
            "problems",
            condition("c", "A", "relapse", onsetDateTime="2010"),
            "now relapse; since when is not recorded",
        ),
        ("problems", condition("c", "A", None, onsetDateTime="2010"), "held"),
        ("problems", condition("c", "A", onsetDateTime="2010", verificationStatus=REFUTED), None),
        ("medications", order("m", "A", authoredOn="2019-01-01"), "held"),
        ("medications", order("m", "A", authoredOn="2021-01-01"), None),
        ("medications", order("m", "A", "stopped", authoredOn="2019-01-01"), NOW_STOPPED),
        ("medications", order("m", "A", "stopped", authoredOn="2020-06-15"), "held"),
        (
            "medications",
            order("m", "A", "completed", authoredOn="2020-01-01", dosageInstruction=[_course("2020-03-01")]),
            None,
        ),
        (
            "medications",
            order("m", "A", "completed", authoredOn="2020-01-01", dosageInstruction=[_course("2020-12-31")]),
            "held",
        ),
        (
            "medications",
            order("m", "A", "stopped", authoredOn="2020-01-01", dosageInstruction=[_course("2020-12-31")]),
            NOW_STOPPED,
        ),
        ("medications", order("m", "A", "draft", authoredOn="2019-01-01"), None),
        ("medications", order("m", "A", authoredOn="2019-01-01", doNotPerform=True), None),
        ("medications", {**order("m", "A", authoredOn="2019-01-01"), "intent": "plan"}, None),
        ("medications", _statement("active", effectiveDateTime="2018"), "held"),
        (
            "medications",
            _statement("completed", effectivePeriod={"start": "2020-01", "end": "2020-12"}),
            "held",
        ),
        (
            "medications",
            _statement("completed", effectivePeriod={"start": "2020-01", "end": "2020-02"}),
            None,
        ),
        (
            "medications",
            _statement("completed", effectivePeriod={"start": "2020-01"}),
            "now completed; since when is not recorded",
        ),
        ("medications", _statement("not-taken", effectiveDateTime="2018"), None),
        (
            "medications",
            {
                **_statement("completed", effectiveDateTime="2020-06-15T08:00:00Z"),
                "resourceType": "MedicationAdministration",
            },
            "held",
        ),
        (
            "medications",
            {
                **_statement("completed", effectiveDateTime="2020-06-14"),
                "resourceType": "MedicationAdministration",
            },
            None,
        ),
        (
            "medications",
            {**_statement("completed", effectiveDateTime="2020"), "resourceType": "MedicationAdministration"},
            "given in 2020",
        ),
        ("medications", _infusion("in-progress", effectivePeriod={"start": "2020-06-01"}), "held"),
        ("medications", _infusion("in-progress", effectiveDateTime="2020-06-01"), "held"),
        ("medications", _infusion("in-progress", effectivePeriod={"start": "2020-06-16"}), None),
        (
            "medications",
            _infusion("on-hold", effectivePeriod={"start": "2020-06-01"}),
            "now on-hold; since when is not recorded",
        ),
        ("medications", _infusion("on-hold", effectivePeriod={"end": "2020-06-14"}), None),
        ("allergies", allergy("a", concept("A"), recordedDate="2019"), "held"),
        ("allergies", allergy("a", concept("A"), recordedDate="2021"), None),
        (
            "allergies",
            allergy("a", concept("A"), "resolved", recordedDate="2019"),
            "now resolved; since when is not recorded",
        ),
        ("encounters", _standing("Encounter", "finished", "2020-06-10", "2020-06-20"), "held"),
        ("encounters", _standing("Encounter", "finished", "2020-06-10", "2020-06-14"), None),
        ("encounters", _standing("Encounter", "finished", "2020-06-15T09:00:00Z"), "held"),
        (
            "encounters",
            _standing("Encounter", "finished", "2020-06-10"),
            "now finished; since when is not recorded",
        ),
        ("encounters", _standing("Encounter", "in-progress", "2020-06-10"), "held"),
        ("encounters", _standing("Encounter", "cancelled", "2020-06-10", "2020-06-20"), None),
        ("coverage", _standing("Coverage", "active", "2020", "2020"), "began in 2020"),
        ("coverage", _standing("Coverage", "active", "2020-01-01", "2020-12-31"), "held"),
        (
            "coverage",
            _standing("Coverage", "cancelled", "2020-01-01", "2020-12-31"),
            "now cancelled; since when is not recorded",
        ),
        ("care_plans", _standing("CarePlan", "completed", "2020-01-01", "2020-12-31"), "held"),
        ("care_plans", _standing("CarePlan", "completed", "2020-01-01", "2020-05-31"), None),
        (
            "goals",
            {
                "resourceType": "Goal",
                "id": "g",
                "lifecycleStatus": "completed",
                "startDate": "2020-01-01",
                "statusDate": "2020-05-01",
            },
            None,
        ),
        (
            "devices",
            {"resourceType": "Device", "id": "d", "status": "active"},
            "a Device does not say since when the patient has it",
        ),
        (
            "immunizations",
            {
                "resourceType": "Immunization",
                "id": "i",
                "status": "completed",
                "occurrenceDateTime": "2020-06-15",
            },
            "held",
        ),
        (
            "procedures",
            {
                "resourceType": "Procedure",
                "id": "p",
                "status": "completed",
                "performedDateTime": "2020-06-16",
            },
            None,
        ),
    ],
)
def test_a_record_held_did_not_or_cannot_be_told(kind: Any, record: Resource, expected: str | None) -> None:
    assert _state(kind, record) == expected


def test_what_was_left_out_and_what_is_uncertain_is_counted_in_notes() -> None:
    chart = [
        condition("held", "A", onsetDateTime="2019"),
        condition("later", "B", onsetDateTime="2021"),
        condition("over", "C", "resolved", onsetDateTime="2010", abatementDateTime="2011"),
        condition("open", "D", "inactive", onsetDateTime="2010"),
        condition("wrong", "E", verificationStatus={"coding": [{"code": "entered-in-error"}]}),
    ]
    found = list_records("problems", chart, at=AT, now=NOW)
    assert [row["ref"] for row in found.rows] == ["Condition/held", "Condition/open"]
    assert found.notes == [
        "1 record entered in error left out.",
        "2 records not so on 2020-06-15 left out (1 not yet begun or recorded, 1 over by then);"
        " without `at`, status=all lists them.",
        "1 record may or may not have held then; `uncertain` says why.",
        "`status` is that of now: FHIR keeps no dates of earlier ones.",
    ]


def test_an_order_not_to_give_is_told_of_that_day_too() -> None:
    forbidden = order("no", "pioglitazone", authoredOn="2019-01-01", doNotPerform=True)
    found = list_records("medications", [forbidden], at=AT, now=NOW)
    assert "Ordered not to be given: pioglitazone (MedicationRequest/no)." in found.notes


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("medications", order("no", "pioglitazone", authoredOn="2023-02-10", doNotPerform=True)),
        ("problems", condition("c", "COPD", recordedDate="2023", verificationStatus=REFUTED)),
    ],
)
def test_what_was_ruled_out_later_is_not_told_of_an_earlier_day(kind: Any, record: Resource) -> None:
    assert list_records(kind, [record], at=AT, now=NOW).notes == [
        "1 record not so on 2020-06-15 left out (1 not yet begun or recorded);"
        " without `at`, status=all lists them."
    ]


@pytest.mark.parametrize(
    ("at", "why"), [("2020", "a day"), ("soon", "ISO date"), ("2030-01-01", "after now")]
)
def test_a_state_is_asked_for_of_a_day_that_has_been(at: str, why: str) -> None:
    with pytest.raises(UnusableDate, match=why):
        list_records("problems", [], at=at, now=NOW)


DATES = st.dates(date(1950, 1, 1), date(2026, 11, 22)).map(str)


@given(DATES, DATES, DATES)
def test_between_two_days_a_problem_held_and_outside_them_it_did_not(start: str, end: str, at: str) -> None:
    start, end = sorted((start, end))
    problem = condition("c", "A", "resolved", onsetDateTime=start, abatementDateTime=end)
    assert _state("problems", problem, at) == ("held" if start <= at <= end else None)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2013-04-30", None),
        ("2013-05-01", "onset at age 70 years, when it was recorded is not said"),
        ("2014-04-29", "onset at age 70 years, when it was recorded is not said"),
        ("2014-04-30", "held"),
    ],
)
def test_an_onset_at_an_age_is_reached_in_the_year_from_that_birthday(at: str, expected: str | None) -> None:
    shingles = condition("c", "Herpes zoster", onsetAge=amount(70, "a") | {"unit": "years"})
    found = list_records("problems", [shingles], at=at, born="1943-05-01", now=NOW)
    assert [row.get("uncertain", "held") for row in found.rows] == ([expected] if expected else [])


def test_who_is_born_on_a_leap_day_comes_of_age_in_other_years_too() -> None:
    young = condition("c", "A", onsetAge=amount(17, "a"))
    for at, held in (("2017-02-28", []), ("2018-02-28", ["Condition/c"])):
        found = list_records("problems", [young], at=at, born="2000-02-29", now=NOW)
        assert [row["ref"] for row in found.rows] == held


@pytest.mark.parametrize(
    ("age", "born"),
    [
        (amount(70, "mo"), "1943-05-01"),
        (amount(70, "a", comparator="<"), "1943-05-01"),
        (amount(1e9, "a"), "1943-05-01"),
        (amount(70, "a"), "unknown"),
        (amount(70, "a"), None),
    ],
)
def test_an_age_that_tells_no_year_leaves_open_what_held(age: Resource, born: str | None) -> None:
    found = list_records("problems", [condition("c", "A", onsetAge=age)], at=AT, born=born, now=NOW)
    assert [row["uncertain"].startswith("onset at age") for row in found.rows] == [True]
