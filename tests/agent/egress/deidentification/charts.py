"""A chart in which everything that identifies is known, and a session about it."""

from typing import Any

from agent.egress.deidentification import Deidentifier, Identifiers
from agent.messages import Message, QuestionMessage, ResultsMessage, SystemMessage, ToolResult
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.rendering import render

SECRET = b"a secret of this clinic's, 32 by"
NOW = "2026-03-01T10:00:00+00:00"
PATIENT = "Patient/amara-okafor"
CHART: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "amara-okafor",
        "name": [
            {"use": "official", "family": "Okafor", "given": ["Amara", "Ngozi"]},
            {"use": "maiden", "family": "Eze"},
            {"use": "nickname", "given": ["Maro"]},
        ],
        "birthDate": "1968-03-14",
        "gender": "female",
        "identifier": [
            {"type": {"coding": [{"code": "MR"}]}, "value": "MRN-7734021"},
            {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "912-44-8013"},
        ],
        "telecom": [
            {"system": "phone", "value": "(617) 555-0142"},
            {"system": "email", "value": "amara@okafor.example"},
        ],
        "address": [
            {
                "line": ["48 Tannery Lane"],
                "city": "Wrenfield",
                "state": "MA",
                "postalCode": "02139",
                "country": "US",
            }
        ],
        "contact": [{"name": {"family": "Will", "given": ["May"]}, "telecom": [{"value": "617-555-0199"}]}],
        "text": {"status": "generated", "div": "<div>Amara</div>"},
    },
    {
        "resourceType": "Practitioner",
        "id": "dr-adeyemi",
        "name": [{"family": "Adeyemi", "given": ["Tunde"], "prefix": ["Dr."]}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "9941339108"}],
    },
    {"resourceType": "Organization", "id": "harbour", "name": "Harbour Lights Clinic"},
    {
        "resourceType": "Coverage",
        "id": "cover",
        "subscriberId": "XQ88123407",
        "beneficiary": {"reference": PATIENT},
        "payor": [{"display": "Mutual of Wrenfield", "reference": "Organization/mutual"}],
    },
    {"resourceType": "Device", "id": "pump", "serialNumber": "SN-4410-TZ", "patient": {"reference": PATIENT}},
]


def rendered(data: dict[str, Any]) -> str:
    """As the chart tools write it."""
    return render(ResultEnvelope.model_validate(data)).text


def session(secret: bytes = SECRET, patient: str | None = PATIENT) -> Deidentifier:
    """A new session about the patient."""
    return Deidentifier(Identifiers.of(CHART), secret, patient, rendered)


def system(text: str = f"Patient: {PATIENT}\nNow: {NOW}") -> SystemMessage:
    return SystemMessage(text=text, patient=PATIENT, now=NOW)


def result(*rows: dict[str, Any], tool: str = "list_records", **more: Any) -> ToolResult:
    """A result with these rows; `more` goes into its envelope."""
    envelope = {
        "finding": "recorded",
        "rows": list(rows),
        "total": len(rows),
        "returned": len(rows),
        "truncated": False,
        "notes": [],
        "as_of": NOW,
    }
    return ToolResult(tool=tool, arguments={}, text="as it was", data={**envelope, **more})


def asked(question: str) -> list[Message]:
    return [system(), QuestionMessage(text=question)]


def told(*rows: dict[str, Any], by: Deidentifier, tool: str = "list_records") -> ToolResult:
    """The result as it leaves."""
    out = by.messages([system(), ResultsMessage(results=(result(*rows, tool=tool),))])[1]
    assert isinstance(out, ResultsMessage)
    return out.results[0]


def said(text: str, by: Deidentifier | None = None) -> str:
    """A note's text as it leaves."""
    out = told({"ref": "DocumentReference/n1", "passage": text}, by=by or session(), tool="search_notes")
    assert out.data
    return str(out.data["rows"][0]["passage"])
