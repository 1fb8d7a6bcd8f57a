"""Who treats the hand-made patients, and where."""

from fhir_fixtures.generate.references import Resource


def records() -> list[Resource]:
    """A clinic and its practitioners, shared by all hand-made charts."""
    return [
        _organization("hard-harbour-clinic", "Harbour Clinic"),
        _organization("hard-mutual-insurance", "Mutual Insurance"),
        _practitioner("hard-dr-lindqvist", "Maja", "Lindqvist"),
        _practitioner("hard-dr-adeyemi", "Tunde", "Adeyemi"),
    ]


def _organization(id: str, name: str) -> Resource:  # noqa: A002
    return {"resourceType": "Organization", "id": id, "active": True, "name": name}


def _practitioner(id: str, given: str, family: str) -> Resource:  # noqa: A002
    name = {"given": [given], "family": family, "prefix": ["Dr."]}
    return {"resourceType": "Practitioner", "id": id, "active": True, "name": [name]}
