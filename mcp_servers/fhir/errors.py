"""The errors of the chart tools, as a tree; each has a kind that a program can test.

FhirToolError
├── InvalidRequest      invalid_request    the arguments cannot be used; the message says what to do instead
│   └── SearchExpired                      the server has forgotten a search; it can be run again
├── NotFound            not_found          no such record (404), or it was deleted (410)
├── NotPermitted        not_permitted      the FHIR server refused (401, 403)
├── PatientLocked       patient_locked     outside the patient that this session is bound to
├── ServerFailed        server_failed      unreachable, slow, 5xx, 429, or an answer that is not FHIR R4
│   └── FilterIgnored                      the server answered a search without one of its filters
└── AuditUnavailable    audit_unavailable  the journal cannot be written, so the call did not happen

The text that a client sees starts with the kind in brackets: `[not_found] No Observation/123 ...`.
"""


class FhirToolError(Exception):
    """Base of the errors that a chart tool reports; `str()` is safe to show, and says what to do."""

    kind = "error"


class InvalidRequest(FhirToolError):
    """The arguments cannot be used."""

    kind = "invalid_request"


class SearchExpired(InvalidRequest):
    """The server has forgotten a search, and its further pages; it can be run again."""


class NotFound(FhirToolError):
    """No such record, or it was deleted."""

    kind = "not_found"


class NotPermitted(FhirToolError):
    """The FHIR server refused."""

    kind = "not_permitted"


class PatientLocked(FhirToolError):
    """Outside the patient that this session is bound to."""

    kind = "patient_locked"


class ServerFailed(FhirToolError):
    """The FHIR server is unreachable, slow, failing, or does not speak FHIR R4."""

    kind = "server_failed"


class FilterIgnored(ServerFailed):
    """The server answered a search without one of its filters; the answer is not used."""


class AuditUnavailable(FhirToolError):
    """The audit journal cannot be written, so the call did not happen."""

    kind = "audit_unavailable"
