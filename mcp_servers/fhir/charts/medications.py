"""Medication orders, statements, administrations and dispenses as rows, and which of them are current."""

from mcp_servers.fhir.charts.dates import Span, period_end, span, when
from mcp_servers.fhir.charts.dosage import dosages_text
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    concept_text,
    first,
    row_of,
    status_code,
    string,
)
from mcp_servers.fhir.charts.references import (
    Included,
    encounter_text,
    reason,
    record_name,
    reference_text,
    resolved,
    who,
)

SOURCES = {
    "MedicationRequest": "order",
    "MedicationStatement": "statement",
    "MedicationAdministration": "administration",
    "MedicationDispense": "dispense",
}
NOT_IN_FORCE = frozenset({"proposal", "plan", "option"})
# What an infusion is until it ends.
UNDER_WAY = frozenset({"in-progress", "on-hold"})


def medication_row(resource: Resource, included: Included) -> Row:
    """`source` tells an order from a statement, an administration and a dispense: four different facts."""
    source = SOURCES.get(str(resource.get("resourceType")))
    dosage = {"order": "dosageInstruction", "dispense": "dosageInstruction"}.get(source or "", "dosage")
    return row_of(
        name=medication_name(resource, included),
        date=_date(resource),
        end=period_end(resource.get("effectivePeriod")),
        status=string(resource.get("status")) or "unknown",
        source=source,
        intent=string(resource.get("intent")),
        dose=dosages_text(resource.get(dosage)),
        reason=reason(resource, included),
        requester=who(resource.get("requester"), resource, included),
        performer=who(resource.get("performer"), resource, included),
        informant=who(resource.get("informationSource"), resource, included),
        encounter=encounter_text(resource, included),
        status_reason=concept_text(resource.get("statusReason")),
        do_not_perform=True if resource.get("doNotPerform") is True else None,
    )


def _date(resource: Resource) -> str | None:
    return (
        string(resource.get("authoredOn"))
        or when(resource, "effective")
        or string(resource.get("whenHandedOver"))
        or string(resource.get("whenPrepared"))
        or string(resource.get("dateAsserted"))
    )


def medication_name(resource: Resource, included: Included) -> str | None:
    """The medication's name: its concept, or the Medication that it refers to (contained or included)."""
    return concept_text(resource.get("medicationCodeableConcept")) or (
        record_name(medication(resource, included))
        or reference_text(resource.get("medicationReference"), resource, included)
    )


def medication(resource: Resource, included: Included) -> Resource:
    """The Medication that a record refers to, where it is at hand; an empty one otherwise."""
    return resolved(resource.get("medicationReference"), resource, included)


def medication_concepts(resource: Resource, included: Included) -> list[object]:
    """The CodeableConcepts that name the medication, for search by code or text.

    What a reference that leads nowhere calls it stands for them.
    """
    record = medication(resource, included)
    if not record and "medicationReference" in resource:
        return [{"text": first(resource["medicationReference"]).get("display")}]
    ingredients = record.get("ingredient")
    parts = (
        [one.get("itemCodeableConcept") for one in ingredients if isinstance(one, dict)]
        if isinstance(ingredients, list)
        else []
    )
    return [resource.get("medicationCodeableConcept"), record.get("code"), *parts]


def why_not_current(resource: Resource, now: Span) -> str | None:
    """Why a record does not say that the patient is on the medication now; None where it does.

    Only active orders in force, active statements and what is being given do. `unknown` statuses do not: to
    be told of a drug that nobody vouches for is worse than to read in a note that its status is unknown.
    """
    source = SOURCES.get(str(resource.get("resourceType")))
    if resource.get("status") == "completed" and source in ("administration", "dispense"):
        return source  # as most of a long list are
    status = status_code(resource.get("status")) or "status not recorded"
    if source == "administration" and status in UNDER_WAY:
        end = span(period_end(resource.get("effectivePeriod")))
        if not (end and end.ends_before(now)):
            return None if status == "in-progress" else status
    if source in ("administration", "dispense"):
        return source
    if status != "active":
        return status
    if resource.get("doNotPerform") is True:
        return "order not to give"
    intent = string(resource.get("intent"))
    return f"only a {intent}" if intent in NOT_IN_FORCE else None
