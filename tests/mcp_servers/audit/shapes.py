"""Acts as the navigator records them, made into AuditEvents: one of each shape."""

from typing import Any

from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.events.auditevent import devices, events

from .trails import BASE

Event = dict[str, Any]

CALL = "0b9f6d0e-4c55-4f0e-8b35-6f0c1b1f8a10"
SEARCH = {"method": "GET", "url": f"{BASE}/Observation?patient=p1&code=4548-4", "status": 200, "ms": 12.3}
READ = {"method": "GET", "url": f"{BASE}/Observation/o1", "status": 200, "ms": 4.5}
MODEL = {"name": "medgemma-27b", "revision": "r1", "quantisation": "nf4", "digest": "sha256:" + "cd" * 32}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LARGE = {"name": "large-model", "revision": "2026-10"}


def intent_of(act: str, patient: str | None, facts: dict[str, Any]) -> Record:
    return Record(
        seq=1,
        id=CALL,
        session="s1",
        kind="intent",
        at="2026-11-22T08:00:00.000Z",
        body={
            "act": act,
            "patient": patient,
            "user": "dr.grey",
            "purpose_of_use": "TREAT",
            "known_by": "system_account",
            "server": "ehr-navigator",
            "fhir": BASE,
            "to": BASE,
            **facts,
        },
        previous="0" * 64,
        hash="1" * 64,
    )


def acted(
    act: str,
    patient: str | None = "Patient/p1",
    said: dict[str, Any] | None = None,
    completion: dict[str, Any] | None = None,
    **facts: Any,
) -> list[Event]:
    """The events of an act; `facts` and `said` come with its intent."""
    body = {
        "outcome": "ok",
        "rows": 0,
        "refs": [],
        "patients": [],
        "result_sha256": "",
        "error": None,
        **(completion or {}),
    }
    requests = {"requests": body.pop("requests", [])}
    intent = intent_of(act, patient, facts)
    return events(intent, said or {}, body, requests, at="2026-11-22T08:00:00.050Z", seq=2, previous="1" * 64)


def called(
    tool: str = "observations",
    patient: str | None = "Patient/p1",
    meta: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
    **completion: Any,
) -> list[Event]:
    """The events of a tool call that found one record."""
    found = {
        "rows": 1,
        "refs": ["Observation/o1"],
        "patients": ["Patient/p1"],
        "result_sha256": "ab" * 32,
        "requests": [READ if tool == "fhir_read" else SEARCH],
        **completion,
    }
    reads = {"reference": "Observation/o1"} if tool == "fhir_read" else {"name": "HbA1c"}
    meta = {"step": 2, "model": MODEL, "target": "local", "traceparent": TRACE} if meta is None else meta
    asked = {"arguments": reads if arguments is None else arguments, "meta": {"what else": "it said"}}
    return acted("tool_call", patient, asked, found, tool=tool, meta=meta)


def models_of(meta: Any) -> list[Event]:
    """The Devices of an act whose client said `meta`."""
    return devices(intent_of("tool_call", None, {"tool": "observations", "meta": meta}))


NOTHING: dict[str, Any] = {"rows": 0, "refs": [], "patients": []}
GONE = "unknown outcome: the process ended before the call did"
ESCALATED: dict[str, Any] = {
    "recipient": "https://models.example/v1",
    "agreement": "BAA-2026-7",
    "policy_version": "3",
    "bytes": 4211,
    "meta": {"step": 6, "model": LARGE, "target": "escalation"},
}

SHAPES: dict[str, list[Event]] = {
    "PatientQuery": called(),
    "Query": called(patient=None, patients=[]),
    "PatientRead": called("fhir_read"),
    "Read": called("fhir_read", patient=None, patients=[], refs=["Medication/m1"]),
    "several patients": called("find_patient", None, patients=["Patient/p1", "Patient/p2", "Patient/p3"]),
    "several requests": called(requests=[SEARCH, {**SEARCH, "url": f"{BASE}/Observation?page=2"}]),
    "nothing found": called(**NOTHING),
    "from what is kept": called(requests=[]),
    "a read from what is kept": called("fhir_read", requests=[]),
    "refused": called("fhir_read", outcome="refused", error="[patient_locked] no", requests=[], **NOTHING),
    "failed": called(outcome="failed", error="[server_failed] down", **NOTHING),
    "not there": called("fhir_read", outcome="failed", error="not_found", **NOTHING),
    "failed without a reason": called(outcome="failed", **NOTHING),
    "unknown": called(outcome="unknown", error=GONE, requests=[], **NOTHING),
    "no model named": called(meta={}),
    "a model's name alone": called(meta={"model": "gpt"}),
    "escalation": acted("escalation", said={"payload": "..."}, **ESCALATED),
    "escalation refused": acted(
        "escalation",
        said={"payload": "..."},
        completion={"outcome": "refused", "error": "no agreement"},
        **ESCALATED,
    ),
    "escalation unknown": acted(
        "escalation",
        said={"payload": "..."},
        completion={"outcome": "unknown", "error": GONE},
        **ESCALATED,
    ),
    "escalation without a patient": acted("escalation", None, {"payload": "..."}, **ESCALATED),
    "re-identification": acted("re_identification", escalation=CALL, restored=4, meta={"model": LARGE}),
    "refusal": acted(
        "refusal",
        reason="NotPermitted",
        policy_version="3",
        completion={"outcome": "refused", "error": "NotPermitted"},
    ),
    "break-glass": acted(
        "break_glass", said={"reason": "unconscious, no relative"}, completion={"patients": ["Patient/p1"]}
    ),
    "break-glass of nobody": acted("break_glass", completion={"outcome": "failed", "error": "not_found"}),
    "sign-in": acted("sign_in", None, client="web"),
    "sign-in refused": acted(
        "sign_in", None, completion={"outcome": "refused", "error": "wrong token"}, client="web"
    ),
    "export": acted(
        "export",
        said={"query": {"patient": "Patient/p1", "since": "2026-11"}},
        format="ndjson",
        records=12,
        sha256="ef" * 32,
    ),
    "audit read": acted("audit_read", said={"query": "patient Patient/p1"}, tool="audit_list"),
}
