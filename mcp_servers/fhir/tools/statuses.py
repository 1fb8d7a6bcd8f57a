"""The statuses that R4 knows (required bindings): a search for another finds nothing, and is not told why."""

_REQUEST = "draft, active, on-hold, revoked, completed, entered-in-error, unknown"
_KNOWN = {
    ("AllergyIntolerance", "clinical-status"): "active, inactive, resolved",
    ("AllergyIntolerance", "verification-status"): "unconfirmed, confirmed, refuted, entered-in-error",
    ("Appointment", "status"): "proposed, pending, booked, arrived, fulfilled, cancelled, noshow,"
    " entered-in-error, checked-in, waitlist",
    ("CarePlan", "status"): _REQUEST,
    ("CareTeam", "status"): "proposed, active, suspended, inactive, entered-in-error",
    ("Condition", "clinical-status"): "active, recurrence, relapse, inactive, remission, resolved",
    ("Condition", "verification-status"): "unconfirmed, provisional, differential, confirmed, refuted,"
    " entered-in-error",
    ("DiagnosticReport", "status"): "registered, partial, preliminary, final, amended, corrected, appended,"
    " cancelled, entered-in-error, unknown",
    ("DocumentReference", "status"): "current, superseded, entered-in-error",
    ("Encounter", "status"): "planned, arrived, triaged, in-progress, onleave, finished, cancelled,"
    " entered-in-error, unknown",
    ("Goal", "lifecycle-status"): "proposed, planned, accepted, active, on-hold, completed, cancelled,"
    " entered-in-error, rejected",
    ("Immunization", "status"): "completed, entered-in-error, not-done",
    ("MedicationAdministration", "status"): "in-progress, not-done, on-hold, completed, entered-in-error,"
    " stopped, unknown",
    (
        "MedicationRequest",
        "status",
    ): "active, on-hold, cancelled, completed, entered-in-error, stopped, draft, unknown",
    ("MedicationStatement", "status"): "active, completed, entered-in-error, intended, stopped, on-hold,"
    " unknown, not-taken",
    ("Observation", "status"): "registered, preliminary, final, amended, corrected, cancelled,"
    " entered-in-error, unknown",
    ("Procedure", "status"): "preparation, in-progress, not-done, on-hold, stopped, completed,"
    " entered-in-error, unknown",
    ("ServiceRequest", "status"): _REQUEST,
}


def unknown_status(resource_type: str, name: str, value: str) -> str | None:
    """What to say where a search parameter asks for a status that R4 does not have."""
    parameter, _, modifier = name.partition(":")
    known = _KNOWN.get((resource_type, parameter))
    if known is None or modifier not in ("", "not"):
        return None
    wanted = (one.strip().rpartition("|")[2] for one in value.split(","))
    unknown = ", ".join(f"`{one[:40]}`" for one in wanted if one and one not in known.split(", "))
    return f"{unknown} is no {parameter} of {resource_type}; R4 has {known}." if unknown else None
