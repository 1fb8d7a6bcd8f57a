"""What held on a day of the past: which records were in force then, were not, or cannot be told.

R4 keeps one status, the present one: of an order that is stopped now nobody can tell when it was stopped.
So there are three answers here, and no guess.
"""

from collections.abc import Callable
from datetime import MAXYEAR, datetime
from functools import partial
from typing import NamedTuple

from mcp_servers.fhir.charts.dates import DAY, Span, period_end, span, when
from mcp_servers.fhir.charts.elements import Resource, Row, first, objects, status_code, string
from mcp_servers.fhir.charts.kinds import Kind
from mcp_servers.fhir.charts.medications import NOT_IN_FORCE, SOURCES, UNDER_WAY
from mcp_servers.fhir.charts.window import LASTING

LATER = "not yet begun or recorded"
OVER = "over by then"
NOT_RECORDED = "when it began is not recorded"

# Never in force, whatever the day.
_NEVER = frozenset({"draft", "proposed", "rejected", "planned", "not-taken", "not-done", "cancelled"})
# A record that ended early may still carry the end that was planned for it.
_CUT_SHORT = frozenset({"revoked", "stopped", "cancelled", "inactive", "on-hold", "suspended", "abandoned"})
# Not recurrence and relapse: the problem was away for some time, nobody knows when.
_RUNNING = LASTING | {"active", "accepted"}
_OLDEST = 150


class Verdict(NamedTuple):
    """Whether a record held on the day: None where that cannot be told; and why it did not, or cannot."""

    held: bool | None
    why: str = ""


HELD = Verdict(True)


def held(kind: Kind, resource: Resource, row: Row, at: Span, born: Span | None = None) -> Verdict:
    """Whether a record of a kind, with its row, held at `at` (a day or a moment) in a patient `born` then.

    Problems, medications, encounters, plans, coverage and the like: from their start to their end. Allergies
    and events (procedures, reports, immunizations ...): recorded or done by then.
    """
    against = _against(kind, resource, row)
    if against:
        begun = _begun(row.get("date"), at)
        return begun if begun.held is False else Verdict(False, against)
    if string(resource.get("intent")) in NOT_IN_FORCE:
        return Verdict(False, f"only a {resource['intent']}")
    reading: dict[Kind, Callable[[Resource, Row, Span], Verdict]] = {
        "problems": partial(_problem, born=born),
        "allergies": _allergy,
        "medications": _medication,
        "encounters": _standing,
        "orders": _standing,
        "care_plans": _standing,
        "goals": _goal,
        "care_team": _standing,
        "coverage": _standing,
        "devices": _device,
    }
    return reading.get(kind, _event)(resource, row, at)


def _against(kind: Kind, resource: Resource, row: Row) -> str | None:
    """Why a record speaks against what it names."""
    if row.get("verification") == "refuted":
        return "refuted"
    if resource.get("doNotPerform") is True:
        return "order not to give" if kind == "medications" else "order not to perform"
    return None


def _begun(date: object, at: Span) -> Verdict:
    start = span(date)
    if start is None:
        return Verdict(None, NOT_RECORDED)
    if start.starts_after(at):
        return Verdict(False, LATER)
    return Verdict(None, f"began in {date}") if start.ends_after(at) else HELD


def _lasting(start: object, end: object, status: str, at: Span) -> Verdict:
    """From start to end. Without an end, what is not running now may have been over by then."""
    ended = span(end)
    if ended and ended.ends_before(at):
        return Verdict(False, OVER)
    begun = _begun(start, at)
    if not begun.held:
        return begun
    if ended and ended.starts_before(at):
        return Verdict(None, f"ended in {end}" if ended.partial else f"ended {end}")
    began = span(start)
    that_day = began is not None and began.start.date() == at.start.date()
    if status in _RUNNING or that_day or (ended and status not in _CUT_SHORT):
        return HELD
    return Verdict(None, f"now {status}; since when is not recorded")


def _problem(condition: Resource, row: Row, at: Span, born: Span | None) -> Verdict:
    onset = when(condition, "onset")
    if onset is None and (reached := _reached(first(condition.get("onsetAge")), born)):
        if reached.starts_after(at):
            return Verdict(False, LATER)
        onset = None if reached.ends_after(at) else f"{reached.end - DAY:%Y-%m-%d}"
    abated = row.get("abated")
    # A clinicalStatus may be missing (invariant con-3); what did not end without one is current.
    status = "active" if row["status"] == "unknown" else str(row["status"])
    if abated and span(abated) is None:
        status = f"abated {abated}"
    verdict = _lasting(onset or row.get("recorded"), abated, status, at)
    vague = row.get("onset") if onset is None else None
    if vague and verdict.why in (LATER, NOT_RECORDED):
        recorded = "recorded later" if verdict.why == LATER else "when it was recorded is not said"
        return Verdict(None, f"onset {vague}, {recorded}")
    return verdict


def _reached(age: Resource, born: Span | None) -> Span | None:
    """From the birthday on which an age in years is reached to the day before the next."""
    years = age.get("value")
    in_years = age.get("code") == "a" or age.get("unit") in ("a", "year", "years")
    if born is None or "comparator" in age or not in_years or not isinstance(years, int | float):
        return None
    if not 0 <= years < _OLDEST or born.end.year + _OLDEST > MAXYEAR:
        return None
    start, end = _years_after(born.start, int(years)), _years_after(born.end, int(years) + 1) - DAY
    return born._replace(start=start, end=end)


def _years_after(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # no 29 February in that year
        return moment.replace(year=moment.year + years, month=3, day=1)


def _allergy(_: Resource, row: Row, at: Span) -> Verdict:
    """What is marked resolved now was recorded then, and stood for as long as nobody knows."""
    verdict = _begun(row.get("date"), at)
    status = str(row["status"])
    if verdict.held and status not in ("active", "unknown"):
        return Verdict(None, f"now {status}; since when is not recorded")
    return verdict


def _medication(resource: Resource, row: Row, at: Span) -> Verdict:
    source = SOURCES.get(str(resource.get("resourceType")))
    status = str(row["status"])
    if status in _NEVER:
        return Verdict(False, status)
    if source == "dispense":
        return Verdict(False, source)
    if source == "administration" and not (status in UNDER_WAY and "end" not in row):
        return _given(row, at)
    return _lasting(row.get("date"), row.get("end") or _course_end(resource), status, at)


def _given(row: Row, at: Span) -> Verdict:
    start, end = span(row.get("date")), span(row.get("end"))
    if start is None:
        return Verdict(None, NOT_RECORDED)
    if start.starts_after(at) or (end or start).ends_before(at):
        return Verdict(False, "given on another day")
    return Verdict(None, f"given in {row['date']}") if start.end - start.start > DAY else HELD


def _course_end(order: Resource) -> str | None:
    """The end of the course that is ordered, where every dose instruction has one."""
    timings = [first(dosage.get("timing")) for dosage in objects(order.get("dosageInstruction"))]
    ends = [period_end(first(timing.get("repeat")).get("boundsPeriod")) for timing in timings]
    return max((end for end in ends if end), default=None) if all(ends) else None


def _standing(resource: Resource, row: Row, at: Span) -> Verdict:
    status = str(row.get("status") or status_code(resource.get("status")) or "status not recorded")
    if status in _NEVER and resource.get("resourceType") != "Coverage":
        return Verdict(False, status)
    return _lasting(row.get("date"), row.get("end"), status, at)


def _goal(goal: Resource, row: Row, at: Span) -> Verdict:
    """`statusDate` is when the goal got the status that it has."""
    status = str(row.get("status", "status not recorded"))
    if status in _NEVER:
        return Verdict(False, status)
    end = None if status in _RUNNING else goal.get("statusDate")
    return _lasting(goal.get("startDate"), end, "completed" if end else status, at)


def _device(_: Resource, __: Row, ___: Span) -> Verdict:
    return Verdict(None, "a Device does not say since when the patient has it")


def _event(_: Resource, row: Row, at: Span) -> Verdict:
    return _begun(row.get("date"), at)
