"""The load order of resources: what a resource refers to comes before it."""

import heapq
from collections.abc import Iterable

from fhir_fixtures.generate.references import Resource, name_of, references_in

# Among resources that may come next, these types go first; all others follow by name.
FIRST = (
    "Organization",
    "Location",
    "Practitioner",
    "Medication",
    "Patient",
    "Device",
    "Coverage",
    "Encounter",
    "Condition",
)


def in_load_order(resources: Iterable[Resource]) -> list[Resource]:
    """The resources, referenced before referring, ties by type and id: the same in every run.

    Resources that refer to each other in a circle (an Encounter and the Condition that it diagnosed) stand
    side by side. References that point outside are ignored.
    """
    by_name = {name_of(resource): resource for resource in sorted(resources, key=_rank)}
    targets = {
        name: [ref for ref in dict.fromkeys(references_in(resource)) if ref in by_name and ref != name]
        for name, resource in by_name.items()
    }
    circles = _circles(targets)
    circle_of = {name: number for number, circle in enumerate(circles) for name in circle}
    waits_for = [
        {circle_of[ref] for name in circle for ref in targets[name]} - {n} for n, circle in enumerate(circles)
    ]
    wanted_by: list[list[int]] = [[] for _ in circles]
    for number, needed in enumerate(waits_for):
        for other in needed:
            wanted_by[other].append(number)
    missing = [len(needed) for needed in waits_for]
    ready = [
        (_rank(by_name[circle[0]]), number) for number, circle in enumerate(circles) if not missing[number]
    ]
    heapq.heapify(ready)
    ordered: list[Resource] = []
    while ready:
        _, number = heapq.heappop(ready)
        ordered += [by_name[name] for name in circles[number]]
        for other in wanted_by[number]:
            missing[other] -= 1
            if not missing[other]:
                heapq.heappush(ready, (_rank(by_name[circles[other][0]]), other))
    return ordered


def _rank(resource: Resource) -> tuple[int, str, str]:
    kind = resource["resourceType"]
    return (FIRST.index(kind) if kind in FIRST else len(FIRST), kind, resource["id"])


def _circles(targets: dict[str, list[str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan), without recursion: chains of references can be long.

    Members keep the order of `targets`; a resource in no circle is a component of its own.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    circles: list[list[str]] = []
    place = {name: number for number, name in enumerate(targets)}
    for start, its_targets in targets.items():
        if start in index:
            continue
        path = [(start, iter(its_targets))]
        while path:
            name, rest = path[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                stack.append(name)
                on_stack.add(name)
            for target in rest:
                if target not in index:
                    path.append((target, iter(targets[target])))
                    break
                if target in on_stack:
                    low[name] = min(low[name], index[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == index[name]:
                    cut = stack.index(name)
                    circles.append(sorted(stack[cut:], key=place.__getitem__))
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return circles
