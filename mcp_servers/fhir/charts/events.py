"""Encounters, procedures and immunizations as rows."""

from mcp_servers.fhir.charts.dates import period_end, period_start, when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    coding_text,
    concept_text,
    concepts_text,
    first,
    joined,
    objects,
    quantity_text,
    row_of,
    string,
)
from mcp_servers.fhir.charts.references import Included, encounter_text, reason, reference_text, who


def encounter_row(encounter: Resource, included: Included) -> Row:
    """`name` is the type, else the class; `date` and `end` are the period's."""
    kind = concepts_text(encounter.get("type"))
    kind_class = coding_text(encounter.get("class"))
    why = reason(encounter, included) or joined(
        reference_text(one.get("condition"), encounter, included)
        for one in objects(encounter.get("diagnosis"))
    )
    return {
        **row_of(
            name=kind or concept_text(encounter.get("serviceType")) or kind_class,
            date=period_start(encounter.get("period")),
            end=period_end(encounter.get("period")),
            status=string(encounter.get("status")),
            type=kind,
            reason=why,
            service=concept_text(encounter.get("serviceType")),
            location=joined(
                reference_text(one.get("location"), encounter, included)
                for one in objects(encounter.get("location"))
            ),
            practitioner=joined(
                reference_text(one.get("individual"), encounter, included)
                for one in objects(encounter.get("participant"))
            ),
        ),
        **({"class": kind_class} if kind_class else {}),
    }


def procedure_row(procedure: Resource, included: Included) -> Row:
    """`date` and `end` are those of `performed[x]`; an age or words where that is all there is."""
    vague = quantity_text(procedure.get("performedAge"))
    return row_of(
        name=concept_text(procedure.get("code")),
        date=when(procedure, "performed"),
        end=period_end(procedure.get("performedPeriod")),
        performed=string(procedure.get("performedString")) or (f"at age {vague}" if vague else None),
        status=string(procedure.get("status")),
        status_reason=concept_text(procedure.get("statusReason")),
        reason=reason(procedure, included),
        performer=who(procedure.get("performer"), procedure, included),
        encounter=encounter_text(procedure, included),
        body_site=concepts_text(procedure.get("bodySite")),
        outcome=concept_text(procedure.get("outcome")),
    )


def immunization_row(immunization: Resource, included: Included) -> Row:
    """`status` `not-done` is a vaccine that was not given; `status_reason` says why."""
    protocol = first(immunization.get("protocolApplied"))
    number_in_series = protocol.get("doseNumberPositiveInt") or protocol.get("doseNumberString")
    return row_of(
        name=concept_text(immunization.get("vaccineCode")),
        date=when(immunization, "occurrence") or string(immunization.get("recorded")),
        occurrence=string(immunization.get("occurrenceString")),
        status=string(immunization.get("status")),
        status_reason=concept_text(immunization.get("statusReason")),
        performer=who(immunization.get("performer"), immunization, included),
        encounter=encounter_text(immunization, included),
        dose=joined(
            [
                quantity_text(immunization.get("doseQuantity")),
                f"dose {number_in_series}" if isinstance(number_in_series, int | str) else None,
            ],
            ", ",
        ),
    )
