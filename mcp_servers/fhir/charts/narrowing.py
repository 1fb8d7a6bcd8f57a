"""What a server can be asked so that a long list need not be read whole: by status, and newest first.

What is left unread is counted by the server, so that nothing is left out in silence. The statuses are R4's
required ones; a chart that has others is read whole.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mcp_servers.fhir.charts.elements import Resource, objects, status_code, string


class ByStatus(NamedTuple):
    """How the current records of a type are told from the others by a search.

    `read` are the values of the search parameter whose records must be read, `over` those whose records are
    not current for that reason alone, the most frequent first. `always`: a further search for records that
    must be read, whatever that parameter says.
    """

    parameter: str
    read: tuple[str, ...]
    over: tuple[str, ...]
    always: tuple[str, str] | None = None


_OPEN = ("active", "on-hold", "unknown", "entered-in-error")

BY_STATUS: Mapping[str, ByStatus] = {
    "Condition": ByStatus(
        "clinical-status",
        ("active", "recurrence", "relapse"),
        ("resolved", "inactive", "remission"),
        ("verification-status", "refuted,entered-in-error"),
    ),
    "MedicationRequest": ByStatus("status", _OPEN, ("completed", "stopped", "cancelled", "draft")),
    "MedicationStatement": ByStatus("status", _OPEN, ("completed", "stopped", "intended", "not-taken")),
    "ServiceRequest": ByStatus("status", _OPEN, ("completed", "revoked", "draft")),
}

# Records that are not current for this reason, unless they are under way.
NOT_CURRENT_AS: Mapping[str, str] = {
    "MedicationAdministration": "administration",
    "MedicationDispense": "dispense",
}

# By which parameter a server sorts records as their rows are dated.
NEWEST_BY: Mapping[str, str] = {
    "Encounter": "date",
    "Procedure": "date",
    "Immunization": "date",
    "DiagnosticReport": "date",
    "DocumentReference": "date",
    "Composition": "date",
    "ImagingStudy": "started",
}
# The same for types of which only the first and the last are asked for.
DATED_BY: Mapping[str, str] = {
    **NEWEST_BY,
    "Observation": "date",
    "Condition": "onset-date",
    "AllergyIntolerance": "date",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective",
    "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover",
    "ServiceRequest": "authored",
    "CarePlan": "date",
    "CareTeam": "date",
    "Goal": "start-date",
    "FamilyMemberHistory": "date",
}
# Types that every visit adds to: they are asked for newest first to begin with.
GROWING = frozenset(
    {
        "Encounter",
        "Procedure",
        "DiagnosticReport",
        "DocumentReference",
        "MedicationRequest",
        "MedicationAdministration",
        "ServiceRequest",
    }
)
# Where a type's status of being entered in error stands, if not in `status`.
WITHDRAWN_BY: Mapping[str, str] = {
    "Condition": "verification-status",
    "AllergyIntolerance": "verification-status",
    "Goal": "lifecycle-status",
}


def status_of(resource: Resource) -> str | None:
    """The status that BY_STATUS goes by."""
    return status_code(resource.get("clinicalStatus")) or status_code(resource.get("status"))


def reasons_of(resources: list[Resource]) -> set[str]:
    """The ids of the Conditions that records name as their reasons."""
    texts = (
        string(reference.get("reference")) or ""
        for resource in resources
        if "reasonReference" in resource
        for reference in objects(resource["reasonReference"])
    )
    return {text.split("/")[1] for text in texts if text.startswith("Condition/")}
