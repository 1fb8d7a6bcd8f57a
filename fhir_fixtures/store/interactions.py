"""The interactions of the FHIR RESTful API, from a `Request` to a `Reply`; HTTP itself is in `app`."""

import json
import re
import sqlite3
from typing import Any

from fhir_fixtures.store import bundles, searching, writes
from fhir_fixtures.store.capability import capability_statement
from fhir_fixtures.store.database import Store, Stored, instant
from fhir_fixtures.store.errors import BadRequest, Gone, NotFound, StoreError, Unsupported, operation_outcome
from fhir_fixtures.store.exchange import Reply, Request, location, version_headers
from fhir_fixtures.store.parameters import resource_type
from fhir_fixtures.store.query import read_search

_ID = re.compile(r"^[A-Za-z0-9.-]{1,64}$")
_GENERAL = {"_format", "_pretty", "_summary", "_elements"}


def answer(store: Store, request: Request) -> Reply:
    """Carry out one request; what is refused is answered with an OperationOutcome."""
    try:
        with store.lock:
            return _route(store, request)
    except StoreError as error:
        return Reply(error.status, error.outcome(), {"Location": error.location} if error.location else {})
    except UnicodeEncodeError:
        return Reply(400, operation_outcome("error", "structure", "A text holds half a surrogate pair"))
    except sqlite3.Error as error:
        return Reply(500, operation_outcome("fatal", "exception", f"The database failed: {error}"))


def _route(store: Store, request: Request) -> Reply:
    """Find the interaction by method and address. Raises StoreError."""
    get = request.method in ("GET", "HEAD")
    match request.path:
        case () if get and any(name == "_getpages" for name, _ in request.query):
            return searching.next_page(store, request.query, request.base)
        case () if request.method == "POST":
            return bundles.process(store, request, answer, _route)
        case ():
            raise BadRequest("This is the base of a FHIR server; ask for /metadata or a resource type")
        case ("metadata",) if get:
            return Reply(200, capability_statement(request.base))
        case (name,) if get and not name.startswith("$"):
            return _search(store, request, name, request.query)
        case (name, "_search") if request.method == "POST":
            return _search(store, request, name, request.query)
        case (name,) if request.method == "POST":
            return _create(store, request, name)
        case (name,) if request.method == "PUT":
            return _conditional_update(store, request, name)
        case (name,) if request.method == "DELETE":
            return _conditional_delete(store, request, name)
        case ("Patient", patient, "$everything") if get:
            return searching.everything(store, patient, request.base, request.query)
        case (name, resource_id) if get and not resource_id.startswith("$"):
            return _read(store, request, name, resource_id)
        case (name, resource_id) if request.method == "PUT":
            return _update(store, request, name, resource_id)
        case (name, resource_id) if request.method == "DELETE":
            return _delete(store, request, name, resource_id)
        case (name, resource_id, "_history") if get:
            return _history(store, request, name, resource_id)
        case (name, resource_id, "_history", version) if get:
            return _read_version(store, request, name, resource_id, version)
    if request.path and not request.path[0].startswith("$"):
        _known(request.path[0])
    raise Unsupported(f"{request.method} is not supported at /{'/'.join(request.path)}")


def _known(name: str) -> None:
    if resource_type(name) is None:
        raise NotFound(f"Unknown resource type '{name}'")


def _identified(name: str, resource_id: str) -> None:
    _known(name)
    if not _ID.match(resource_id):
        raise NotFound(f"Invalid resource id: {resource_id!r}")


def _search(store: Store, request: Request, name: str, pairs: list[tuple[str, str]]) -> Reply:
    _known(name)
    lenient = "handling=lenient" in request.headers.get("prefer", "")
    search = read_search(name, pairs, request.base, lenient=lenient)
    return searching.first_page(store, search, request.base, name)


def _read(store: Store, request: Request, name: str, resource_id: str) -> Reply:
    _identified(name, resource_id)
    stored = store.current(name, resource_id)
    if stored is None:
        raise NotFound(f"Resource {name}/{resource_id} is not known")
    if request.headers.get("if-none-match") == f'W/"{stored.version}"':
        return Reply(304, None)
    return _show(request, stored)


def _read_version(store: Store, request: Request, name: str, resource_id: str, version: str) -> Reply:
    _identified(name, resource_id)
    for stored in store.versions(name, resource_id):
        if str(stored.version) == version:
            return _show(request, stored)
    raise NotFound(f"Version {version} of {name}/{resource_id} is not known")


def _show(request: Request, stored: Stored) -> Reply:
    if stored.body is None:
        raise Gone(f"Resource was deleted at {instant(stored.updated)}", location(request.base, stored))
    given = dict(request.query)
    unknown = set(given) - _GENERAL
    if unknown:
        raise BadRequest(f"Unknown parameters for a read: {', '.join(sorted(unknown))}")
    elements = [e for e in given.get("_elements", "").split(",") if e]
    resource = searching.shaped(json.loads(stored.body), given.get("_summary"), elements)
    return Reply(200, resource, version_headers(stored))


def _history(store: Store, request: Request, name: str, resource_id: str) -> Reply:
    _identified(name, resource_id)
    versions = store.versions(name, resource_id)
    if not versions:
        raise NotFound(f"Resource {name}/{resource_id} is not known")
    entries = []
    for stored in versions:
        address = f"{name}/{resource_id}"
        entry: dict[str, Any] = {"fullUrl": f"{request.base}/{address}"}
        if stored.body is not None:
            entry["resource"] = json.loads(stored.body)
        entry["request"] = {"method": stored.method, "url": f"{address}/_history/{stored.version}"}
        entry["response"] = {
            "status": "201 Created" if stored.version == 1 else "200 OK",
            "lastModified": instant(stored.updated),
            "etag": f'W/"{stored.version}"',
        }
        entries.append(entry)
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "total": len(entries),
        "link": [{"relation": "self", "url": f"{request.base}/{name}/{resource_id}/_history"}],
        "entry": entries,
    }
    return Reply(200, bundle)


def _create(store: Store, request: Request, name: str) -> Reply:
    _known(name)
    resource = writes.readable(request.body, name)
    with store.transaction():
        condition = request.headers.get("if-none-exist")
        existing = writes.existing(store, name, condition, request.base) if condition else None
        if existing:
            return _written(request, existing, 200)
        stored = writes.create(store, resource, request.base)
    return _written(request, stored, 201)


def _update(store: Store, request: Request, name: str, resource_id: str) -> Reply:
    _known(name)
    if not _ID.match(resource_id):
        raise BadRequest(f"Invalid resource id: {resource_id!r}")
    resource = writes.readable(request.body, name)
    if "id" not in resource:
        raise BadRequest("Can not update resource, resource body must contain an ID element for update")
    if resource["id"] != resource_id:
        raise BadRequest(f'Resource body ID of "{resource["id"]}" does not match the address')
    with store.transaction():
        stored, created = writes.update(store, resource, request.headers.get("if-match"), request.base)
    return _written(request, stored, 201 if created else 200)


def _conditional_update(store: Store, request: Request, name: str) -> Reply:
    """`PUT Type?criteria`: the one resource that meets them is updated, or with none one is created."""
    _known(name)
    resource = writes.readable(request.body, name)
    with store.transaction():
        existing = writes.existing(store, name, request.query, request.base)
        if existing is None:
            return _written(request, writes.create(store, resource, request.base), 201)
        stored, _ = writes.update(store, resource | {"id": existing.id}, None, request.base)
    return _written(request, stored, 200)


def _delete(store: Store, request: Request, name: str, resource_id: str) -> Reply:
    _identified(name, resource_id)
    with store.transaction():
        stored = writes.delete(store, name, resource_id)
    if stored is None:
        return Reply(200, operation_outcome("information", "informational", "Not deleted, nothing was found"))
    return Reply(200, operation_outcome("information", "informational", "Successfully deleted 1 resource(s)"))


def _conditional_delete(store: Store, request: Request, name: str) -> Reply:
    """`DELETE Type?criteria`: the one resource that meets them is deleted."""
    _known(name)
    with store.transaction():
        existing = writes.existing(store, name, request.query, request.base)
        if existing is None:
            return Reply(200, operation_outcome("information", "not-found", "Nothing matches the condition"))
        return _delete(store, request, name, existing.id)


def _written(request: Request, stored: Stored, status: int) -> Reply:
    """The reply to a write: which version it made, and the resource unless `return=minimal` is preferred."""
    # As HAPI: where a new resource stands is said to who did not know, and that is who posted it.
    header = "Location" if request.method == "POST" else "Content-Location"
    headers = version_headers(stored) | {header: location(request.base, stored)}
    minimal = "return=minimal" in request.headers.get("prefer", "")
    return Reply(status, None if minimal else json.loads(stored.body or "null"), headers)
