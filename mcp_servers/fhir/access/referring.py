"""Which searches find out whether a record of a patient refers to a record that is about nobody."""

from typing import NamedTuple

from mcp_servers.fhir.access.capability import Capability

# Of every answer to "who may refer to it", the likeliest first; R4's search parameters by their targets.
_STAFF = (
    ("Encounter", "participant"),
    ("MedicationRequest", "requester"),
    ("Observation", "performer"),
    ("DiagnosticReport", "performer"),
    ("Procedure", "performer"),
    ("DocumentReference", "author"),
    ("ServiceRequest", "requester"),
    ("Immunization", "performer"),
    ("CareTeam", "participant"),
    ("Patient", "general-practitioner"),
    ("Condition", "asserter"),
    ("Claim", "provider"),
)
_BY_TARGET: dict[str, tuple[tuple[str, str], ...]] = {
    "Practitioner": _STAFF,
    "PractitionerRole": _STAFF,
    "Organization": (
        ("Encounter", "service-provider"),
        ("Patient", "organization"),
        ("DocumentReference", "custodian"),
        ("Observation", "performer"),
        ("DiagnosticReport", "performer"),
        ("CareTeam", "participant"),
        ("Coverage", "payor"),
        ("Claim", "provider"),
        ("ServiceRequest", "performer"),
        ("Procedure", "performer"),
        ("Immunization", "manufacturer"),
        ("Patient", "general-practitioner"),
    ),
    "Location": (
        ("Encounter", "location"),
        ("Immunization", "location"),
        ("Procedure", "location"),
        ("Claim", "facility"),
    ),
    "Medication": (
        ("MedicationRequest", "medication"),
        ("MedicationAdministration", "medication"),
        ("MedicationStatement", "medication"),
        ("MedicationDispense", "medication"),
    ),
    "Device": (
        ("Observation", "device"),
        ("DeviceUseStatement", "device"),
        ("DeviceRequest", "device"),
        ("MedicationAdministration", "device"),
    ),
    # No parameter searches DiagnosticReport.presentedForm: the newest by this date are looked at.
    "Binary": (("DocumentReference", "location"), ("DiagnosticReport", "date")),
    "Endpoint": (("ImagingStudy", "endpoint"),),
}
# Reports have whole documents in them, of which only so many surely fit into one answer.
_REPORTS = 5
_PAGES_OF_REPORTS = 10


class Referring(NamedTuple):
    """A search that may bring a record which refers to another on its first `pages`, of `size` each."""

    kind: str
    parameter: tuple[str, str]
    size: int = 1
    pages: int = 1


def referring_searches(ref: str, base: str, capability: Capability) -> list[Referring]:
    """What finds the records that refer to `ref` (`Type/id`), at most twelve searches.

    None for types in whose place no record refers, and of parameters that the server does not have.
    """
    found = []
    for kind, name in _BY_TARGET.get(ref.partition("/")[0], ()):
        known = capability.parameters.get(kind, {}).get(name)
        if known == "reference":
            found.append(Referring(kind, (name, ref)))
        elif known == "uri":  # compared as a text: an attachment's address may be written either way
            found.append(Referring(kind, (name, f"{ref},{base}/{ref}")))
        elif known == "date":
            found.append(Referring(kind, ("_sort", f"-{name}"), _REPORTS, _PAGES_OF_REPORTS))
    return found
