"""The load order."""

from hypothesis import given
from hypothesis import strategies as st

from fhir_fixtures.generate.order import in_load_order
from fhir_fixtures.generate.references import Resource, name_of, references_in


def _resource(number: int, targets: list[int]) -> Resource:
    based_on = [{"reference": f"ServiceRequest/r{target}"} for target in targets]
    return {"resourceType": "ServiceRequest", "id": f"r{number}", "basedOn": based_on}


graphs = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size + 1), max_size=4), min_size=size, max_size=size)
)


def _reaches(targets: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(targets.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(targets.get(name, ()))
    return found


@given(graphs)
def test_what_is_referred_to_comes_first_and_circles_stand_together(graph: list[list[int]]) -> None:
    resources = [_resource(number, targets) for number, targets in enumerate(graph)]
    ordered = in_load_order(resources)
    assert sorted(map(name_of, ordered)) == sorted(map(name_of, resources))
    place = {name_of(resource): number for number, resource in enumerate(ordered)}
    targets = {name_of(resource): set(references_in(resource)) & set(place) for resource in resources}
    reaches = {name: _reaches(targets, name) for name in place}
    for name, reached in reaches.items():
        circle = {other for other in reached if name in reaches[other]} | {name}
        places = sorted(place[other] for other in circle)
        assert places[-1] - places[0] == len(circle) - 1
        assert all(place[other] < place[name] for other in reached - circle)


@given(graphs.flatmap(lambda graph: st.tuples(st.just(graph), st.permutations(range(len(graph))))))
def test_the_order_does_not_depend_on_the_order_given(case: tuple[list[list[int]], list[int]]) -> None:
    graph, permutation = case
    resources = [_resource(number, targets) for number, targets in enumerate(graph)]
    assert in_load_order(resources) == in_load_order([resources[number] for number in permutation])


def test_organizations_come_before_patients_and_patients_before_the_rest() -> None:
    kinds = ["Observation", "Patient", "Encounter", "Organization"]
    ordered = in_load_order([{"resourceType": kind, "id": "x"} for kind in kinds])
    assert [resource["resourceType"] for resource in ordered] == [
        "Organization",
        "Patient",
        "Encounter",
        "Observation",
    ]
