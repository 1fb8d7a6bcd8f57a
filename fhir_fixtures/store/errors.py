"""What the store refuses, and the OperationOutcome that says so.

StoreError
├── BadRequest        400  the request cannot be understood
├── NotFound          404  no such type, operation or resource
├── Conflict          409  a stale version, or a resource that others refer to
├── Gone              410  deleted, or a search whose pages have expired
├── Ambiguous         412  a condition that several resources meet
└── Unsupported       406  a format other than JSON; 400 a method that the address does not know

The issue codes are HAPI's: `processing` for nearly everything.
"""

from typing import Any


class StoreError(Exception):
    """Base of all refusals; `str()` is the diagnostics, `code` the FHIR issue type."""

    status = 500
    code = "processing"

    location: str | None = None

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome to answer with."""
        return operation_outcome("error", self.code, str(self))


class BadRequest(StoreError):
    """The request cannot be understood."""

    status = 400


class NotFound(StoreError):
    """No such type, operation or resource."""

    status = 404


class Conflict(StoreError):
    """A stale version, or a resource that others refer to."""

    status = 409


class Gone(StoreError):
    """Deleted (`location` is then the version that says so), or a search whose pages have expired."""

    status = 410

    def __init__(self, message: str, location: str | None = None) -> None:
        super().__init__(message)
        self.location = location


class Ambiguous(StoreError):
    """A condition that several resources meet."""

    status = 412


class Unsupported(StoreError):
    """A format or a method that the store does not have."""

    code = "not-supported"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def operation_outcome(severity: str, code: str, diagnostics: str) -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": diagnostics}],
    }
