"""Pictures in a chart, for a model that sees: read through the patient's lock, and on the trail."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anyio import to_thread

from agent.audit_access import audit_explained
from agent.errors import BY_KIND, Failed, NotPermitted, UsageError
from agent.messages import Image
from agent.session import Session
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.errors import FhirToolError
from mcp_servers.fhir.notes.pictures import picture

if TYPE_CHECKING:
    from mcp_servers.audit.recorder import Recorder


async def with_pictures(
    images: Sequence[Image | str], session: Session, fhir: FhirClient, recorder: "Recorder"
) -> list[Image]:
    """The images, those of the chart (`Media/123`) fetched from it.

    Raises UsageError for what holds no picture, NotPermitted without a patient or of another's chart, and
    what a failed read means.
    """
    return [await _fetched(one, session, fhir, recorder) if isinstance(one, str) else one for one in images]


async def _fetched(reference: str, session: Session, fhir: FhirClient, recorder: "Recorder") -> Image:
    try:
        from agent.models.local.images import cleaned
    except ModuleNotFoundError:
        raise UsageError("Images need the extra `local`: pip install 'ehr-navigator[local]'.") from None
    patient = session.patient
    if patient is None:
        raise NotPermitted("A picture of a chart needs the session to be about its patient: name one.")
    asked = {"reference": reference, "full": True}
    with audit_explained():
        call = await to_thread.run_sync(recorder.begin, "fhir_read", asked, patient, {"session": session.id})
        try:
            found = await picture(reference, fhir, patient, call)
        except FhirToolError as error:
            refused = error.kind in ("not_permitted", "patient_locked")
            call.complete("refused" if refused else "failed", error=error.kind)
            meant = BY_KIND.get(error.kind, Failed if error.kind == "not_found" else UsageError)
            raise meant(str(error)) from None
        except BaseException:
            call.complete("failed", error="cancelled")
            raise
        call.complete("ok", rows=1, refs=[reference], patients=[patient])
    return cleaned(found.data, reference)
