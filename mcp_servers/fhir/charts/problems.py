"""Conditions as rows, and which of them are current problems."""

from mcp_servers.fhir.charts.dates import Span, period_end, period_start, span, when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    concept_text,
    first,
    quantity_text,
    range_text,
    row_of,
    status_code,
    string,
)
from mcp_servers.fhir.charts.references import Included, encounter_text, who

CURRENT = frozenset({"active", "recurrence", "relapse"})


def problem_row(condition: Resource, included: Included) -> Row:
    """`date` is the onset, or else when it was recorded; `onset` may be an age or words."""
    onset_date = when(condition, "onset")
    recorded = string(condition.get("recordedDate"))
    return row_of(
        name=concept_text(condition.get("code")),
        date=onset_date or recorded,
        status=clinical_status(condition),
        onset=onset_date or vague(condition, "onset"),
        abated=abatement(condition),
        verification=status_code(condition.get("verificationStatus")),
        recorded=recorded,
        recorder=who(condition.get("recorder") or condition.get("asserter"), condition, included),
        encounter=encounter_text(condition, included),
    )


def clinical_status(resource: Resource) -> str:
    """The clinicalStatus code of a Condition or AllergyIntolerance; `unknown` where it is missing.

    FHIR R4 lets it be missing on conditions outside the problem list (invariant con-3).
    """
    return status_code(resource.get("clinicalStatus")) or "unknown"


def abatement(condition: Resource) -> str | None:
    """When a condition ended, as recorded; a Period counts by its end."""
    return (
        string(condition.get("abatementDateTime"))
        or period_end(condition.get("abatementPeriod"))
        or period_start(condition.get("abatementPeriod"))
        or vague(condition, "abatement")
    )


def vague(resource: Resource, stem: str) -> str | None:
    """An onset or abatement that is no date: an age, a range of ages, or words."""
    age = quantity_text(first(resource.get(f"{stem}Age")))
    return (
        (f"at age {age}" if age else None)
        or range_text(resource.get(f"{stem}Range"))
        or string(resource.get(f"{stem}String"))
    )


def why_not_current(condition: Resource, now: Span) -> str | None:
    """Why a condition is not a current problem; None where it is.

    A missing clinicalStatus does not end a problem: without an abatement it is kept, labelled `unknown`.
    """
    if status_code(condition.get("verificationStatus")) == "refuted":
        return "refuted"
    status = clinical_status(condition)
    if status == "unknown":
        ended = abatement(condition)
        ended_at = span(ended)
        return "abated" if ended and not (ended_at and ended_at.starts_after(now)) else None
    return None if status in CURRENT else status
