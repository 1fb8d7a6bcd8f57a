"""AllergyIntolerances as rows, and which of them are current."""

from mcp_servers.fhir.charts.dates import Span, when
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    codings,
    concept_text,
    first,
    joined,
    objects,
    row_of,
    status_code,
    string,
    strings,
)
from mcp_servers.fhir.charts.negations import negation
from mcp_servers.fhir.charts.problems import clinical_status, vague
from mcp_servers.fhir.charts.references import Included


def allergy_row(allergy: Resource, _: Included) -> Row:
    """`negation` is true for "no known ..." records; `date` is when it was recorded, else the onset; `onset`
    may be an age or words."""
    return row_of(
        name=_name(allergy),
        date=string(allergy.get("recordedDate")) or when(allergy, "onset"),
        status=clinical_status(allergy),
        onset=when(allergy, "onset") or vague(allergy, "onset"),
        reaction=joined(_reaction(one) for one in objects(allergy.get("reaction"))),
        criticality=string(allergy.get("criticality")),
        category=joined(strings(allergy.get("category")), ", "),
        type=string(allergy.get("type")),
        verification=status_code(allergy.get("verificationStatus")),
        negation=True if negation(allergy.get("code")) == "none" else None,
        last_occurrence=string(allergy.get("lastOccurrence")),
    )


def _name(allergy: Resource) -> str | None:
    """The text; without one every display of the first coding's system, since some charts list a whole class
    of drugs (lisinopril, captopril, ...) as codings of one concept. The reaction's substance comes last."""
    concept = first(allergy.get("code"))
    found = codings(concept)
    if not string(concept.get("text")) and len(found) > 1:
        system = found[0].get("system")
        return joined((string(one.get("display")) for one in found if one.get("system") == system), ", ")
    substances = (concept_text(one.get("substance")) for one in objects(allergy.get("reaction")))
    return concept_text(concept) or joined(substances, ", ")


def _reaction(reaction: Resource) -> str | None:
    shown = joined((concept_text(one) for one in objects(reaction.get("manifestation"))), ", ")
    shown = shown or string(reaction.get("description"))
    severity = string(reaction.get("severity"))
    return f"{shown} ({severity})" if shown and severity else shown


def why_not_current(allergy: Resource, _: Span) -> str | None:
    """Why an allergy is not current; None where it is.

    A missing clinicalStatus does not end an allergy: it is kept, labelled `unknown`.
    """
    if status_code(allergy.get("verificationStatus")) == "refuted":
        return "refuted"
    status = clinical_status(allergy)
    return status if status in ("inactive", "resolved") else None
