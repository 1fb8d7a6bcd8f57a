"""Charts of notes for a scripted server, with texts in the records or in Binaries; searches in them."""

import base64
from typing import Any

from mcp import Client

from tests.mcp_servers.fhir.scripted import ScriptedFhir
from tests.mcp_servers.fhir.sessions import data


async def search(client: Client, words: str, **more: Any) -> dict[str, Any]:
    """The envelope of a search for these words."""
    return data(await client.call_tool("search_notes", {"text": words, **more}))


def document(identifier: str, words: str | None = None, **elements: Any) -> dict[str, Any]:
    """A note of patient A with this text, or with the attachment that the elements give."""
    inline = {"contentType": "text/plain", "data": base64.b64encode((words or "").encode()).decode()}
    return {
        "resourceType": "DocumentReference",
        "id": identifier,
        "status": "current",
        "date": "2026-03-01",
        "type": {"text": "Progress note"},
        "subject": {"reference": "Patient/A"},
        "content": [{"attachment": inline if words is not None else elements.pop("attachment")}],
        **elements,
    }


def chart(*records: dict[str, Any]) -> ScriptedFhir:
    """A server with patient A and these records."""
    return ScriptedFhir([{"resourceType": "Patient", "id": "A"}, *records])


def binary(words: str, **elements: Any) -> dict[str, Any]:
    """Binary/b with this text."""
    coded = base64.b64encode(words.encode()).decode()
    return {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": coded, **elements}


UNCHANGING = {"lastUpdated": "2026-03-01T10:00:00Z", "versionId": "1"}
BEHIND_A_BINARY = document("behind", attachment={"url": "Binary/b"})


def behind_binaries(count: int) -> list[dict[str, Any]]:
    """So many unchanging notes, each with its text in a Binary, and these Binaries."""
    notes = [
        document(f"{n}", attachment={"url": f"Binary/{n}"}, meta=UNCHANGING, date=f"2026-03-{n:02}")
        for n in range(1, count + 1)
    ]
    return notes + [{**binary(f"Cough on day {n}."), "id": f"{n}"} for n in range(1, count + 1)]
