"""What a summary must touch on: of the chart, of a problem, of a stretch of time, of what changed."""

from datetime import date

from evals.gold import problems, records
from evals.gold.chart import Chart, plain_date, whole_day
from evals.gold.expected import Expected
from evals.gold.records import current_medications, ref

NEWS = {
    "AllergyIntolerance", "Condition", "DiagnosticReport", "Encounter", "Immunization", "MedicationRequest",
    "Observation", "Procedure",
}  # fmt: skip


def of_chart(chart: Chart) -> Expected | None:
    """Problems, medications and allergies: at least one record of each that the chart has."""
    listed = problems.active(chart)
    allergies = records.allergies(chart.records)
    if listed is None or allergies is None:
        return None
    parts = (listed.refs, frozenset(map(ref, current_medications(chart.records))), allergies.refs)
    groups = tuple(part for part in parts if part)
    return Expected(groups=groups, also=None) if len(groups) > 1 else None


def of_problem(found: problems.Problem) -> Expected | None:
    """The records of the problem, first of all."""
    return Expected(groups=(found.refs,), also=None) if found.records else None


def of_window(chart: Chart, since: date, until: date) -> Expected | None:
    """What happened in a window: its visits; nothing from outside."""
    inside = _dated(chart, since, until)
    visits = frozenset(name for name in inside if name.startswith("Encounter/"))
    return Expected(groups=(visits,), also=inside) if visits else None


def since_visit(chart: Chart, begun: date) -> Expected | None:
    """What was recorded after the day of the last visit; or nothing, or what that day itself brought."""
    later = _dated(chart, date.fromordinal(begun.toordinal() + 1), date.max)
    news = frozenset(name for name in later if name.split("/")[0] in NEWS)
    same = _dated(chart, begun, date.max)
    if not news:
        return Expected(status="answered|not_in_chart", also=same) if news == later else None
    return Expected(refs=news, also=same)


def _dated(chart: Chart, since: date, until: date) -> frozenset[str]:
    found = set()
    for item in chart.records:
        told = {
            whole_day(plain_date(item, path))
            for path in (
                "effectiveDateTime", "authoredOn", "period.start", "period.end", "performedDateTime",
                "performedPeriod.start", "occurrenceDateTime", "onsetDateTime", "recordedDate", "date",
                "started", "abatementDateTime",
            )
        }  # fmt: skip
        if any(day is not None and since <= day <= until for day in told):
            found.add(ref(item))
    return frozenset(found)
