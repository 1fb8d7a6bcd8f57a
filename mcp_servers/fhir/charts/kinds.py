"""The kinds of records that can be listed, and what to fetch for each."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from mcp_servers.fhir.charts import allergies, care, documents, events, medications, observations, problems
from mcp_servers.fhir.charts.dates import Span
from mcp_servers.fhir.charts.elements import Resource, Row
from mcp_servers.fhir.charts.references import Included

Kind = Literal[
    "problems",
    "medications",
    "allergies",
    "immunizations",
    "procedures",
    "encounters",
    "reports",
    "documents",
    "imaging",
    "orders",
    "care_plans",
    "goals",
    "devices",
    "family_history",
    "social_history",
    "care_team",
    "coverage",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Search(NamedTuple):
    """One search for a patient's records: the caller adds the patient and follows the pages.

    `parameters` are fixed pairs; `includes` are values of `_include`. Nothing is filtered on the server whose
    absence would hide a record (a missing status) or keep it from being counted (entered in error).
    """

    resource_type: str
    parameters: tuple[tuple[str, str], ...] = ()
    includes: tuple[str, ...] = ()


class Reading(NamedTuple):
    """How the records of a kind are read: into a row, and why one is not current (None: all are)."""

    row: Callable[[Resource, Included], Row]
    why_not_current: Callable[[Resource, Span], str | None] | None = None


# R4 has no search parameter, so no include, from these to their reasons: the problems come along.
REASONS = Search("Condition")

SEARCHES: dict[Kind, tuple[Search, ...]] = {
    "problems": (Search("Condition"),),
    "medications": (
        *(
            Search(source, (), (f"{source}:medication", f"{source}:{who}"))
            for source, who in zip(
                medications.SOURCES, ("requester", "source", "performer", "performer"), strict=True
            )
        ),
        REASONS,
    ),
    "allergies": (Search("AllergyIntolerance"),),
    "immunizations": (Search("Immunization", (), ("Immunization:performer",)),),
    "procedures": (Search("Procedure", (), ("Procedure:reason-reference", "Procedure:performer")),),
    "encounters": (
        Search(
            "Encounter",
            (),
            (
                "Encounter:reason-reference",
                "Encounter:diagnosis",
                "Encounter:participant",
                "Encounter:location",
            ),
        ),
    ),
    "reports": (
        Search(
            "DiagnosticReport", (), ("DiagnosticReport:performer", "DiagnosticReport:results-interpreter")
        ),
    ),
    "documents": (
        Search("DocumentReference", (), ("DocumentReference:author",)),
        Search("Composition", (), ("Composition:author",)),
    ),
    "imaging": (Search("ImagingStudy"), REASONS),
    "orders": (Search("ServiceRequest", (), ("ServiceRequest:requester",)), REASONS),
    "care_plans": (Search("CarePlan", (), ("CarePlan:condition",)),),
    "goals": (Search("Goal"),),
    "devices": (Search("Device"),),
    "family_history": (Search("FamilyMemberHistory"),),
    # A smoking status without its category would be missed by the first search alone.
    "social_history": (
        Search("Observation", (("category", "social-history"),)),
        Search("Observation", (("code", ",".join(observations.SOCIAL_HISTORY_CODES)),)),
    ),
    "care_team": (Search("CareTeam", (), ("CareTeam:participant",)),),
    "coverage": (Search("Coverage", (), ("Coverage:payor",)),),
}

OBSERVATIONS = Search("Observation")

OVERVIEW: tuple[Search, ...] = (
    *dict.fromkeys(search for kind in KINDS if kind != "social_history" for search in SEARCHES[kind]),
    OBSERVATIONS,
)

READINGS: dict[Kind, Reading] = {
    "problems": Reading(problems.problem_row, problems.why_not_current),
    "medications": Reading(medications.medication_row, medications.why_not_current),
    "allergies": Reading(allergies.allergy_row, allergies.why_not_current),
    "immunizations": Reading(events.immunization_row),
    "procedures": Reading(events.procedure_row),
    "encounters": Reading(events.encounter_row),
    "reports": Reading(documents.report_row),
    "documents": Reading(documents.document_row),
    "imaging": Reading(documents.imaging_row),
    "orders": Reading(care.order_row, care.why_not_in_force),
    "care_plans": Reading(care.care_plan_row, care.why_not_in_force),
    "goals": Reading(care.goal_row, care.why_not_in_force),
    "devices": Reading(care.device_row, care.why_not_in_force),
    "family_history": Reading(care.family_row),
    "social_history": Reading(observations.observation_row),
    "care_team": Reading(care.care_team_row, care.why_not_in_force),
    "coverage": Reading(care.coverage_row, care.why_not_in_force),
}

# Social history shares its type with the measurements; it is told apart by `belongs`.
_KIND_OF_TYPE: dict[str, Kind] = {
    search.resource_type: kind
    for kind in KINDS
    if kind != "social_history"
    for search in SEARCHES[kind]
    if kind == "problems" or search != REASONS
}


def belongs(kind: Kind, resource: Resource) -> bool:
    """Whether a resource is a record of that kind."""
    if kind == "social_history":
        return resource.get("resourceType") == "Observation" and observations.is_social_history(resource)
    return _KIND_OF_TYPE.get(str(resource.get("resourceType"))) == kind


def kind_of(resource: Resource) -> Kind | None:
    """The kind that a resource type is listed under; None for types that are not listed, and Observations."""
    return _KIND_OF_TYPE.get(str(resource.get("resourceType")))


# How the words begin that people ask for other kinds with, and where such records are.
_INSTEAD = {
    "lab": "these are in the tool observations",
    "vital": "these are in the tool observations",
    "observation": "these are in the tool observations",
    "measurement": "these are in the tool observations",
    "result": "these are in the tool observations",
    "note": "these are in the tool search_notes",
    "vaccin": "ask for immunizations",
    "condition": "ask for problems",
    "diagnos": "ask for problems",
    "drug": "ask for medications",
    "visit": "ask for encounters",
    "surger": "ask for procedures",
}


def kind_instead(word: str) -> str | None:
    """Where the records are that a word which is no kind means; None for words that nobody knows."""
    return next((where for begins, where in _INSTEAD.items() if word.casefold().startswith(begins)), None)
