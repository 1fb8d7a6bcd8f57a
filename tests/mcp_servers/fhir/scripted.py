"""A scripted FHIR server and audit trail: stand-ins for tests, as bad as a test needs them to be."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_servers.audit.chain.errors import JournalUnavailable
from mcp_servers.fhir.recording import Call, Outcome

Resource = dict[str, Any]
Answer = Callable[[Request], Response]

BASE = "http://scripted/fhir"
SEARCH_PARAMETERS = {
    "Patient": {"name": "string", "birthdate": "date", "identifier": "token"},
    "Observation": {
        "patient": "reference", "subject": "reference", "performer": "reference", "code": "token",
        "date": "date", "category": "token", "device": "reference",
    },
    "MedicationRequest": {"patient": "reference", "medication": "reference", "status": "token",
                          "requester": "reference"},
    "DocumentReference": {"patient": "reference", "location": "uri"},
    "Binary": {},
    "Appointment": {"patient": "reference", "status": "token"},
    "Schedule": {"active": "token", "actor": "reference"},
    "Device": {"patient": "reference"},
    "Medication": {"code": "token"},
    "Practitioner": {"name": "string"},
}  # fmt: skip


def capability_statement(version: str = "4.0.1") -> Resource:
    """What the scripted server says of itself."""
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": version,
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {"type": kind, "searchParam": [{"name": n, "type": t} for n, t in parameters.items()]}
                    for kind, parameters in SEARCH_PARAMETERS.items()
                ],
            }
        ],
    }


@dataclass
class ScriptedFhir:
    """An ASGI FHIR server that answers from `script` (by path), or else from `resources` by patient."""

    resources: list[Resource] = field(default_factory=list)
    script: dict[str, Answer] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self.seen.append(request)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix("/fhir/")
        if path in self.script:
            return self.script[path](request)
        if path == "metadata":
            return fhir(capability_statement())
        for resource in self.resources:
            if path == f"{resource['resourceType']}/{resource['id']}":
                return fhir(resource)
        if "/" in path:
            return outcome(404, "not-found", f"Resource {path} is not known")
        patient = request.query_params.get("patient") or request.query_params.get("subject")
        return bundle(
            request,
            [
                resource
                for resource in self.resources
                if resource["resourceType"] == path
                and (patient is None or f"Patient/{patient.removeprefix('Patient/')}" in json.dumps(resource))
                and request.query_params.get("_id", resource["id"]) == resource["id"]
            ],
        )


def fhir(resource: Resource, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource as an HTTP answer."""
    return JSONResponse(resource, status, headers, media_type="application/fhir+json")


def outcome(status: int, code: str, diagnostics: str) -> Response:
    """An OperationOutcome as an HTTP answer."""
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status)


def bundle(
    request: Request,
    matches: list[Resource],
    *,
    included: tuple[Resource, ...] = (),
    following: str | None = None,
    own: str | None = None,
) -> Response:
    """A searchset; `own` replaces the self link."""
    links = [{"relation": "self", "url": own or str(request.url)}]
    if following is not None:
        links.append({"relation": "next", "url": following})
    return fhir(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(matches),
            "link": links,
            "entry": [
                *({"resource": resource, "search": {"mode": "match"}} for resource in matches),
                *({"resource": resource, "search": {"mode": "include"}} for resource in included),
            ],
        }
    )


def http_to(app: Any, base: str = BASE) -> httpx.AsyncClient:
    """A client whose requests go to `app` in memory; to the server at that address, where it is one."""
    if isinstance(app, str):
        return httpx.AsyncClient(base_url=app, timeout=60, trust_env=False)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base)


def observation(identifier: str, patient: str, **elements: Any) -> Resource:
    """An observation of `patient` (an id)."""
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "code": {"text": "Heart rate"},
        "subject": {"reference": f"Patient/{patient}"},
        **elements,
    }


@dataclass
class ScriptedCall:
    """A call as the scripted trail keeps it."""

    id: str
    tool: str
    arguments: dict[str, Any]
    patient: str | None
    meta: dict[str, Any] | None
    requests: list[tuple[str, str, int | None]] = field(default_factory=list)
    completion: dict[str, Any] | None = None
    complete_fails: bool = False
    user: str = "dr.grey"
    entries: list[int | None] = field(default_factory=list)
    of_others: int = 0

    def request(
        self, method: str, url: str, status: int | None, ms: float, entries: int | None = None
    ) -> None:
        assert ms >= 0
        self.requests.append((method, url, status))
        self.entries.append(entries)

    def withheld(self, count: int) -> None:
        self.of_others += count

    def complete(self, outcome: Outcome, **facts: Any) -> None:
        assert self.completion is None
        if self.complete_fails:
            raise JournalUnavailable("The audit journal cannot be used: the disk is full.")
        self.completion = {"outcome": outcome, **facts}


@dataclass
class ScriptedRecorder:
    """An audit trail in a list; it refuses to begin or to complete when told so."""

    calls: list[ScriptedCall] = field(default_factory=list)
    begin_fails: bool = False
    complete_fails: bool = False

    def begin(
        self, tool: str, arguments: dict[str, Any], patient: str | None, meta: dict[str, Any] | None
    ) -> Call:
        if self.begin_fails:
            raise JournalUnavailable("The audit journal cannot be used: the disk is full.")
        call = ScriptedCall(
            f"call-{len(self.calls)}", tool, arguments, patient, meta, complete_fails=self.complete_fails
        )
        self.calls.append(call)
        return call


def a_call() -> ScriptedCall:
    """A call for tests that need no server."""
    return ScriptedCall("call-x", "test", {}, None, None)
