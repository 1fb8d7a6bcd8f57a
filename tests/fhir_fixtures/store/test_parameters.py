"""The table of search parameters as the store reads it."""

from fhir_fixtures import charts
from fhir_fixtures.store.parameters import resource_type, type_names


def test_every_type_of_the_charts_has_parameters_of_its_own() -> None:
    types = {name for each in charts.manifest()["sets"] for name in each["types"]}
    for name in types - {"Binary"}:
        kind = resource_type(name)
        assert kind
        assert any(not code.startswith("_") for code in kind.parameters)


def test_no_two_parameters_share_a_number() -> None:
    numbers = [
        each.number
        for name in type_names()
        if (kind := resource_type(name))
        for parameter in kind.parameters.values()
        for each in (parameter, *parameter.components)
    ]
    assert len(numbers) == len(set(numbers))
    assert len(type_names()) > 140


def test_what_is_no_resource_type_is_unknown() -> None:
    assert resource_type("Resource") is None
    assert resource_type("Nonsense") is None
