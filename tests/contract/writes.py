"""Scenarios of writes: requests in order, on records of their own; `{run}` makes their ids new."""

from typing import Any

from tests.contract.exchange import Case

SYSTEM = "http://example.org/contract"


def patient(identity: str = "", family: str = "Contract", **more: Any) -> dict[str, Any]:
    """A Patient; without `identity` the server gives it an id."""
    return {
        "resourceType": "Patient",
        **({"id": identity} if identity else {}),
        "name": [{"family": family, "given": ["{run}"]}],
        **more,
    }


def condition(subject: str, identity: str = "", **more: Any) -> dict[str, Any]:
    """A Condition of `subject`."""
    return {
        "resourceType": "Condition",
        **({"id": identity} if identity else {}),
        "subject": {"reference": subject},
        "code": {"text": "contract"},
        **more,
    }


def bundle(
    kind: str, *entries: tuple[str, str] | tuple[str, str, dict[str, Any]], **headers: str
) -> dict[str, Any]:
    """A batch or transaction of (method, url) or (method, url, resource); `headers` go to each request."""
    listed = []
    for method, url, *resource in entries:
        entry: dict[str, Any] = {"request": {"method": method, "url": url, **headers}}
        if resource:
            entry["resource"] = resource[0]
        listed.append(entry)
    return {"resourceType": "Bundle", "type": kind, "entry": listed}


def identified(value: str) -> dict[str, Any]:
    """An identifier that no other run has."""
    return {"identifier": [{"system": SYSTEM, "value": "{run}-" + value}]}


A, B, C = "{run}-a", "{run}-b", "{run}-c"

SCENARIOS: dict[str, list[Case]] = {
    "a server gives an id": [
        Case("Patient", "POST", patient(), remember="new"),
        Case("Patient/{new}"),
        Case("Patient/{new}/_history/1"),
        Case("Patient?given={run}&_total=accurate"),
        Case("Patient", "POST", patient(A), remember="other", label="with an id of its own"),
        Case("Patient/" + A),
        Case("Patient/{new}", "DELETE"),
        Case("Patient/{other}", "DELETE"),
    ],
    "a client gives the id": [
        Case("Patient/" + A, "PUT", patient(A)),
        Case("Patient/" + A, "PUT", patient(A), label="unchanged"),
        Case("Patient/" + A),
        Case("Patient/" + A, "PUT", patient(A, gender="female"), label="changed"),
        Case("Patient/" + A),
        Case(f"Patient/{A}/_history/1"),
        Case(f"Patient/{A}/_history"),
        Case(f"Patient/{A}?_elements=gender"),
        Case("Patient?given={run}&gender=female&_total=accurate"),
        Case("Patient/" + A, "DELETE"),
    ],
    "ids that cannot be": [
        Case("Patient/4711471147114711", "PUT", patient("4711471147114711"), label="digits only"),
        Case("Patient/" + A, "PUT", patient(B), label="another id in the body"),
        Case("Patient/" + A, "PUT", patient(), label="no id in the body"),
        Case("Patient", "PUT", patient(A), label="no id in the address"),
        Case("Patient/a_b{run}", "PUT", patient("a_b{run}"), label="underscore"),
        Case("Patient/" + "x" * 70, "PUT", patient("x" * 70), label="too long"),
        Case("Condition/" + A, "PUT", patient(A), label="another type in the body"),
        Case("Chart/" + A, "PUT", {"resourceType": "Chart", "id": A}, label="no such type"),
    ],
    "versions are checked": [
        Case("Patient/" + A, "PUT", patient(A)),
        Case("Patient/" + A, "PUT", patient(A, gender="male"), (("If-Match", 'W/"1"'),)),
        Case("Patient/" + A, "PUT", patient(A, gender="other"), (("If-Match", 'W/"1"'),), label="stale"),
        Case(
            "Patient/" + A, "PUT", patient(A, gender="other"), (("If-Match", "nonsense"),), label="no version"
        ),
        Case("Patient/" + B, "PUT", patient(B), (("If-Match", 'W/"1"'),), label="of a new record"),
        Case("Patient/" + A, "PUT", patient(A, active=True), (("If-None-Match", "*"),), label="if new"),
        Case("Patient/" + A),
        Case("Patient/" + A, "DELETE"),
    ],
    "deletes": [
        Case("Patient/" + A, "PUT", patient(A)),
        Case("Patient/" + A, "DELETE"),
        Case("Patient/" + A),
        Case(f"Patient/{A}/_history/1"),
        Case(f"Patient/{A}/_history/2"),
        Case(f"Patient/{A}/_history"),
        Case("Patient/" + A, "DELETE", label="again"),
        Case("Patient?given={run}&_total=accurate"),
        Case("Patient/{run}-never", "DELETE"),
        Case("Patient/" + A, "PUT", patient(A), label="anew"),
        Case("Patient/" + A),
        Case("Patient/" + A, "DELETE"),
    ],
    "conditional create": [
        Case(
            "Patient",
            "POST",
            patient(**identified("1")),
            (("If-None-Exist", f"identifier={SYSTEM}%7C{{run}}-1"),),
            remember="new",
        ),
        Case(
            "Patient",
            "POST",
            patient(**identified("1")),
            (("If-None-Exist", f"identifier={SYSTEM}%7C{{run}}-1"),),
            label="again",
        ),
        Case("Patient", "POST", patient(**identified("1")), remember="twin"),
        Case(
            "Patient",
            "POST",
            patient(**identified("1")),
            (("If-None-Exist", f"identifier={SYSTEM}%7C{{run}}-1"),),
            label="ambiguous",
        ),
        Case("Patient", "POST", patient(), (("If-None-Exist", "nonsense=1"),), label="nonsense"),
        Case("Patient/{twin}", "DELETE"),
        Case("Patient/{new}", "DELETE"),
    ],
    "conditional update and delete": [
        Case(f"Patient?identifier={SYSTEM}%7C{{run}}-2", "PUT", patient(**identified("2")), remember="new"),
        Case(f"Patient?identifier={SYSTEM}%7C{{run}}-2", "PUT", patient(gender="female", **identified("2"))),
        Case("Patient/{new}"),
        Case(f"Patient?identifier={SYSTEM}%7C{{run}}-2", "DELETE"),
        Case("Patient/{new}"),
        Case(f"Patient?identifier={SYSTEM}%7C{{run}}-2", "DELETE", label="again"),
    ],
    "references are checked": [
        Case("Condition/" + A, "PUT", condition("Patient/{run}-never", A), label="to nobody"),
        Case("Patient/" + A, "PUT", patient(A)),
        Case("Condition/" + B, "PUT", condition(f"Patient/{A}", B)),
        Case(f"Condition?subject=Patient/{A}&_total=accurate"),
        Case("Patient/" + A, "DELETE", label="still referred to"),
        Case(
            "Condition/" + C,
            "PUT",
            condition("http://elsewhere.example/fhir/Patient/1", C),
            label="elsewhere",
        ),
        Case("Condition/" + C, "DELETE"),
        Case("Condition/" + B, "DELETE"),
        Case("Patient/" + A, "DELETE"),
    ],
    "bodies that cannot be": [
        Case("Patient", "POST", "{nonsense", label="no JSON"),
        Case("Patient", "POST", "[]", label="a list"),
        Case("Patient", "POST", "{}", label="no type"),
        Case("Patient", "POST", label="no body"),
        Case("Patient", "POST", {"resourceType": "Chart"}, label="no such type"),
        Case("Patient", "POST", condition("Patient/{run}-never"), label="another type"),
        Case("Patient", "POST", patient(birthDate="yesterday"), label="no date", remember="dated"),
        Case("Patient", "POST", patient(gender=["female"]), label="a list for one", remember="listed"),
        Case("Patient", "POST", patient(gender="nonsense"), label="no such code", remember="coded"),
        Case("Patient", "POST", patient(A), (("Content-Type", "text/plain"),), label="plain text"),
    ],
    "a batch answers each entry": [
        Case("Patient/" + A, "PUT", patient(A)),
        Case("Patient/" + C, "PUT", patient(C, "Other")),
        Case(
            "",
            "POST",
            bundle(
                "batch",
                ("GET", f"Patient/{A}"),
                ("GET", "Patient/{run}-never"),
                ("GET", f"Patient?_id={A}&_total=accurate"),
                ("GET", "Patient?nonsense=1"),
                ("PUT", f"Patient/{B}", patient(B)),
                ("POST", "Condition", condition("Patient/{run}-never")),
                ("DELETE", f"Patient/{C}"),
            ),
            label="batch",
        ),
        Case("Patient/" + B),
        Case("Patient/" + C),
    ],
    "a transaction is all or nothing": [
        Case(
            "",
            "POST",
            bundle(
                "transaction",
                ("PUT", f"Condition/{B}", condition(f"Patient/{A}", B)),
                ("PUT", f"Patient/{A}", patient(A)),
            ),
            label="in either order",
        ),
        Case("Condition/" + B),
        Case(
            "",
            "POST",
            bundle(
                "transaction",
                ("PUT", f"Patient/{C}", patient(C)),
                ("PUT", "Condition/{run}-d", condition("Patient/{run}-never", "{run}-d")),
            ),
            label="with a reference to nobody",
        ),
        Case("Patient/" + C),
        Case(
            "",
            "POST",
            bundle(
                "transaction",
                ("PUT", f"Patient/{A}", patient(A)),
                ("PUT", f"Patient/{A}", patient(A, gender="male")),
            ),
            label="the same record twice",
        ),
        Case(
            "",
            "POST",
            bundle(
                "transaction",
                ("GET", f"Patient/{A}"),
                ("GET", f"Condition?subject=Patient/{A}&_total=accurate"),
                ("PUT", f"Patient/{A}", patient(A)),
                ("DELETE", f"Condition/{B}"),
            ),
            label="mixed",
        ),
        Case("", "POST", bundle("transaction", ("GET", "Patient/{run}-never")), label="read of nobody"),
        Case("", "POST", bundle("transaction", ("DELETE", f"Patient/{A}")), label="delete"),
        Case("Patient/" + A),
    ],
    "a transaction resolves its own references": [
        Case(
            "",
            "POST",
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        "fullUrl": "urn:uuid:9c1d1f0e-5a43-4ef6-9c39-6a4a3f2f1a11",
                        "resource": patient(**identified("3")),
                        "request": {
                            "method": "POST",
                            "url": "Patient",
                            "ifNoneExist": f"identifier={SYSTEM}%7C{{run}}-3",
                        },
                    },
                    {
                        "resource": condition("urn:uuid:9c1d1f0e-5a43-4ef6-9c39-6a4a3f2f1a11", B),
                        "request": {"method": "PUT", "url": f"Condition/{B}"},
                    },
                ],
            },
            label="urn:uuid",
            remember="entry",
        ),
        Case("Condition?patient.identifier={run}-3&_total=accurate"),
        Case("Condition/" + B, "DELETE"),
        Case(f"Patient?identifier={SYSTEM}%7C{{run}}-3", "DELETE"),
    ],
    "bundles that cannot be": [
        Case("", "POST", {"resourceType": "Bundle", "type": "batch"}, label="no entries"),
        Case("", "POST", bundle("collection", ("GET", "Patient/x")), label="a collection"),
        Case("", "POST", {"resourceType": "Bundle", "entry": []}, label="no type"),
        Case("", "POST", patient(), label="no bundle"),
        Case(
            "",
            "POST",
            {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": patient()}]},
            label="no request",
        ),
        Case("", "POST", bundle("transaction", ("FETCH", "Patient/x")), label="no such method"),
        Case("", "POST", bundle("batch", ("GET", "Chart/x")), label="no such type"),
    ],
    "audit events are kept like other records": [
        Case("Patient/" + A, "PUT", patient(A)),
        Case(
            "AuditEvent/" + B,
            "PUT",
            {
                "resourceType": "AuditEvent",
                "id": B,
                "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
                "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "contract"}],
                "action": "R",
                "recorded": "2026-11-01T10:00:00.000Z",
                "agent": [{"requestor": True, "who": {"display": "contract"}}],
                "source": {"observer": {"display": "contract"}},
                "entity": [
                    {"what": {"reference": f"Patient/{A}"}},
                    {"what": {"identifier": {"value": "{run}-call"}}},
                ],
            },
        ),
        Case(f"AuditEvent?patient=Patient/{A}&subtype=contract&_total=accurate"),
        Case(
            f"AuditEvent?entity=Patient/{A}&subtype=contract&action=R&date=ge2026-11-01&date=lt2026-11-02&_total=accurate"
        ),
        Case("AuditEvent?subtype=contract&entity:identifier={run}-call"),
        Case("AuditEvent/" + B),
        Case("AuditEvent/" + B, "DELETE"),
        Case("Patient/" + A, "DELETE"),
    ],
}
