"""References between resources: find them, rewrite them, follow them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Resource = dict[str, Any]

# Where a resource says whose record it is, in the order in which they are asked.
PATIENT_FIELDS = ("subject", "patient", "beneficiary")


def name_of(resource: Resource) -> str:
    """`Type/id` of a resource."""
    return f"{resource['resourceType']}/{resource['id']}"


def patient_of(resource: Resource) -> str | None:
    """`Patient/id` that a resource is about (for a Patient, itself), or None."""
    if resource["resourceType"] == "Patient":
        return name_of(resource)
    for field in PATIENT_FIELDS:
        target = resource.get(field, {}).get("reference", "")
        if target.startswith("Patient/"):
            return str(target)
    return None


def references_in(node: Any) -> Iterator[str]:
    """Every `reference` string inside a resource, contained resources included."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "reference" and isinstance(value, str):
                yield value
            else:
                yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def rewritten(node: Any, target: Callable[[str], str]) -> Any:
    """A copy of `node` with every `reference` string passed through `target`."""
    if isinstance(node, dict):
        return {
            key: target(value) if key == "reference" and isinstance(value, str) else rewritten(value, target)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [rewritten(value, target) for value in node]
    return node


def within(reference: str) -> bool:
    """True for a relative `Type/id` reference, which must resolve inside the charts."""
    return not reference.startswith("#") and ":" not in reference


def with_targets(chosen: Iterable[Resource], everything: Iterable[Resource]) -> list[Resource]:
    """The `chosen` resources and all that they refer to, directly or not, once each.

    Raises LookupError for a reference that resolves to nothing in `everything`.
    """
    by_name = {name_of(resource): resource for resource in everything}
    found: dict[str, Resource] = {}
    waiting = [name_of(resource) for resource in chosen]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in by_name:
            raise LookupError(f"{name} is referred to, and is not in the set")
        found[name] = by_name[name]
        waiting.extend(filter(within, references_in(by_name[name])))
    return list(found.values())
