"""Creating, updating and deleting: what may be written, and which version comes of it."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from fhir_fixtures.store.database import Store, Stored
from fhir_fixtures.store.errors import Ambiguous, BadRequest, Conflict
from fhir_fixtures.store.extract import local_reference
from fhir_fixtures.store.parameters import resource_type
from fhir_fixtures.store.query import read_search
from fhir_fixtures.store.searching import matches

_VERSION = re.compile(r'^(?:W/)?"(\d+)"$')


def readable(body: Any, name: str) -> dict[str, Any]:
    """The body as a resource of type `name`. Raises BadRequest."""
    if not isinstance(body, dict) or "resourceType" not in body:
        raise BadRequest("The body is no FHIR resource: it has no resourceType")
    if body["resourceType"] != name:
        raise BadRequest(
            f'Incorrect resource type found, expected "{name}" but found "{body["resourceType"]}"'
        )
    if not isinstance(body.get("id", ""), str) or not isinstance(body.get("meta", {}), dict):
        raise BadRequest("The body is no FHIR resource: id must be a string and meta an object")
    return body


def existing(store: Store, name: str, condition: str | list[tuple[str, str]], base: str) -> Stored | None:
    """The one resource that meets a condition, None when none does. Raises Ambiguous, BadRequest."""
    pairs = condition if isinstance(condition, list) else parse_qsl(condition.rpartition("?")[2])
    if not pairs:
        raise BadRequest("A condition needs at least one search parameter")
    found = matches(store, read_search(name, pairs, base))
    if len(found) > 1:
        raise Ambiguous(f"The condition on {name} matches {len(found)} resources")
    if not found:
        return None
    resource_id = store.connection.execute("SELECT id FROM resource WHERE rid = ?", found).fetchone()[0]
    return store.current(name, resource_id)


def create(store: Store, resource: dict[str, Any], base: str, resource_id: str | None = None) -> Stored:
    """Store a new resource under an id of the server's. Inside a transaction. Raises BadRequest."""
    return _put(store, resource | {"id": resource_id or new_id(store)}, base)


def new_id(store: Store) -> str:
    """An id that no resource of the store has: a number, as in HAPI."""
    highest = store.connection.execute("SELECT coalesce(max(rid), 0) FROM resource").fetchone()[0]
    candidate = int(highest) + 1
    while store.connection.execute("SELECT 1 FROM resource WHERE id = ?", (str(candidate),)).fetchone():
        candidate += 1
    return str(candidate)


def update(store: Store, resource: dict[str, Any], if_match: str | None, base: str) -> tuple[Stored, bool]:
    """Store a resource under its id; the version, and whether it is newly there. Inside a transaction.

    A write that changes nothing keeps the version. Raises Conflict for a stale If-Match (HAPI answers 409,
    not 412), BadRequest for a new id of digits alone.
    """
    name, resource_id = resource["resourceType"], resource["id"]
    current = store.current(name, resource_id)
    if if_match is not None:
        matched = _VERSION.match(if_match)
        if not matched:
            raise BadRequest(f"Invalid If-Match: {if_match}")
        if current and current.version != int(matched[1]):
            raise Conflict(
                f"Trying to update {name}/{resource_id} version {matched[1]}, current is {current.version}"
            )
    if current is None and resource_id.isdigit():
        raise BadRequest(
            f"Can not create resource with ID[{resource_id}], no resource with this ID exists and clients may"
            " only assign IDs which contain at least one non-numeric character"
        )
    resource = _relative(resource, base)
    if current and current.body and _content(json.loads(current.body)) == _content(resource):
        return current, False
    stored = _put(store, resource, base)
    return stored, current is None or current.body is None


def delete(store: Store, name: str, resource_id: str) -> Stored | None:
    """Delete a resource; None when there is none. Inside a transaction.

    Raises Conflict when another resource refers to it; AuditEvents do not count.
    """
    current = store.current(name, resource_id)
    if current is None or current.body is None:
        return None
    if store.check_references:
        check_unreferenced(store, name, resource_id)
    return store.put(name, resource_id, None)


def check_unreferenced(store: Store, name: str, resource_id: str) -> None:
    """Raise Conflict when another resource than an AuditEvent refers to this one."""
    referring = store.connection.execute(
        "SELECT r.type, r.id FROM reference_index f JOIN resource r ON r.rid = f.rid"
        " WHERE f.target_type = ? AND f.target_id = ? AND r.type != 'AuditEvent'"
        " AND NOT (r.type = f.target_type AND r.id = f.target_id) LIMIT 1",
        (name, resource_id),
    ).fetchone()
    if referring:
        raise Conflict(f"Unable to delete {name}/{resource_id}: {'/'.join(referring)} refers to it")


def _put(store: Store, resource: dict[str, Any], base: str) -> Stored:
    resource = _relative(resource, base)
    stored = store.put(resource["resourceType"], resource["id"], resource)
    if store.check_references:
        check_references(store, resource)
    return stored


def check_references(store: Store, resource: dict[str, Any]) -> None:
    """Raise BadRequest when a relative reference names a resource that is not there, as HAPI does."""
    for text in references(resource):
        target = local_reference(text)
        if target:
            found = store.current(*target) if resource_type(target[0]) else None
            if found is None or found.body is None:
                raise BadRequest(f"Resource {text} not found, specified in a reference")


def references(element: Any) -> Iterator[str]:
    """Every `reference` text in a resource."""
    if isinstance(element, list):
        for child in element:
            yield from references(child)
    elif isinstance(element, dict):
        for key, child in element.items():
            if key == "reference" and isinstance(child, str):
                yield child
            elif isinstance(child, dict | list):
                yield from references(child)


def with_references(element: Any, replaced: dict[str, str]) -> Any:
    """The element with `reference` texts replaced."""
    if isinstance(element, list):
        return [with_references(child, replaced) for child in element]
    if isinstance(element, dict):
        return {
            key: replaced.get(child, child)
            if key == "reference" and isinstance(child, str)
            else with_references(child, replaced)
            for key, child in element.items()
        }
    return element


def _relative(resource: dict[str, Any], base: str) -> dict[str, Any]:
    """The resource with references to this server made relative, as HAPI stores them."""
    own = {
        text: text.removeprefix(f"{base}/") for text in references(resource) if text.startswith(f"{base}/")
    }
    found: dict[str, Any] = with_references(resource, own) if own else resource
    return found


def _content(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without what the server gives it."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return {key: value for key, value in resource.items() if key != "meta"} | ({"meta": meta} if meta else {})
