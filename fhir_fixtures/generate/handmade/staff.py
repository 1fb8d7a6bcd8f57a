"""Who treats the hand-made patients, and where."""

from fhir_fixtures.generate.references import Resource


def records() -> list[Resource]:
    """A clinic and its practitioners, shared by all hand-made charts."""
    return [
        {
            "resourceType": "Organization",
            "id": "hard-harbour-clinic",
            "active": True,
            "name": "Harbour Clinic",
        },
        _practitioner("hard-dr-lindqvist", "Maja", "Lindqvist"),
        _practitioner("hard-dr-adeyemi", "Tunde", "Adeyemi"),
    ]


def _practitioner(id: str, given: str, family: str) -> Resource:  # noqa: A002
    name = {"given": [given], "family": family, "prefix": ["Dr."]}
    return {"resourceType": "Practitioner", "id": id, "active": True, "name": [name]}
