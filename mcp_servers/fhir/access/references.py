"""Literal references: reading `Type/id` out of what charts and callers write."""

import re
from functools import lru_cache
from typing import NamedTuple

from mcp_servers.fhir.errors import InvalidRequest

# Not `.` and `..`, which FHIR would allow as ids: in an address they lead to another path.
_ID = r"(?!\.{1,2}(?![A-Za-z0-9\-.]))[A-Za-z0-9\-.]{1,64}"
_TYPE = r"[A-Z][A-Za-z]{1,63}"
_ID_PATTERN = re.compile(_ID)
_TYPE_PATTERN = re.compile(_TYPE)
_LITERAL = re.compile(rf"(?P<base>https?://[^\s?#]*/)?(?P<type>{_TYPE})/(?P<id>{_ID})(?:/_history/{_ID})?")
# What is longer is no reference, but may be a whole file (`data:`), which is not for the cache to keep.
_LONGEST = 1000


class Reference(NamedTuple):
    """A literal reference; `base` is empty for a relative one, else the address before `Type/id`."""

    base: str
    type: str
    id: str

    @property
    def local(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


def parse(text: str) -> Reference | None:
    """The literal reference in `text`; None for contained, logical and `urn:` ones, and for anything else."""
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Reference | None:
    matched = _LITERAL.fullmatch(text)
    if matched is None:
        return None
    return Reference((matched["base"] or "").rstrip("/"), matched["type"], matched["id"])


def checked(text: str) -> Reference:
    """The reference that a caller names as `Type/id`. Raises InvalidRequest."""
    reference = parse(text)
    if reference is None or reference.base or text != reference.local:
        raise InvalidRequest(
            "A reference is written `Type/id`, as `ref` gives it: for example Observation/123."
        )
    return reference


def checked_type(text: str) -> str:
    """A resource type as FHIR writes one. Raises InvalidRequest."""
    if not _TYPE_PATTERN.fullmatch(text):
        raise InvalidRequest("A resource type is a FHIR R4 name such as Observation or MedicationRequest.")
    return text


def checked_patient(text: str) -> str:
    """The patient that `Patient/id` or a bare id names, as `Patient/id`. Raises InvalidRequest."""
    identifier = text.removeprefix("Patient/")
    if not _ID_PATTERN.fullmatch(identifier):
        raise InvalidRequest(
            "A patient is named by `Patient/id` or the id alone; find_patient finds it by name or birth date."
        )
    return f"Patient/{identifier}"
