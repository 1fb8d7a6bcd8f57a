"""The picture in a record: of Media, or the first one attached to a document or a report."""

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.charts.elements import first, string
from mcp_servers.fhir.errors import InvalidRequest
from mcp_servers.fhir.notes.attachments import Document, attachments, document
from mcp_servers.fhir.notes.extraction import Unreadable
from mcp_servers.fhir.recording import Call

DICOM = "application/dicom"


async def picture(reference: str, client: FhirClient, patient: str, call: Call) -> Document:
    """The bytes of a record's picture, read through the lock of `patient` (`Patient/id`).

    Raises InvalidRequest for a record without one that can be had, and what FhirClient.read raises.
    """
    lock = PatientLock(patient, client.base)
    resource = await client.read(checked(reference), lock, call)
    held = [first(resource.get("content"))] if reference.startswith("Media/") else attachments(resource)
    why = "it holds none"
    for one in held:
        kind = string(one.get("contentType")) or ""
        if kind.startswith("image/") or kind == DICOM:
            try:
                return await document(one, client, lock, call)
            except Unreadable as unreadable:
                why = str(unreadable)
    raise InvalidRequest(f"No picture of {reference} can be had: {why}.")
