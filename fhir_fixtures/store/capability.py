"""The CapabilityStatement: what the stand-in can do, and that it is one."""

from functools import lru_cache
from typing import Any

from fhir_fixtures.store.parameters import ResourceType, resource_type, type_names

SOFTWARE = "EHR Navigator embedded store (a stand-in for demos and tests, not for patient care)"

_INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "create", "search-type")


@lru_cache(maxsize=4)
def capability_statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of the store at `base`."""
    kinds = [kind for kind in map(resource_type, type_names()) if kind]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "software": {"name": SOFTWARE, "version": "1"},
        "implementation": {"description": SOFTWARE, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(kind) for kind in kinds],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(kind: ResourceType) -> dict[str, Any]:
    references = [code for code, p in kind.parameters.items() if p.type == "reference"]
    described: dict[str, Any] = {
        "type": kind.name,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalRead": "not-match",
        "searchInclude": ["*", *(f"{kind.name}:{code}" for code in references)],
        "searchParam": [{"name": code, "type": p.type} for code, p in kind.parameters.items()],
    }
    if kind.name == "Patient":
        described["operation"] = [
            {
                "name": "everything",
                "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            }
        ]
    return described
