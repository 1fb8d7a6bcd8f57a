"""Batches and transactions: Bundles of requests."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir_fixtures.store import writes
from fhir_fixtures.store.database import Store
from fhir_fixtures.store.errors import BadRequest, NotFound
from fhir_fixtures.store.exchange import Reply, Request, entry_request, location, version_headers

# The order in which a transaction is carried out, whatever the order of its entries.
_ORDER = ("DELETE", "POST", "PUT", "GET")

Handler = Callable[[Store, Request], Reply]


def process(store: Store, request: Request, answer: Handler, route: Handler) -> Reply:
    """Carry out a batch (each entry for itself, by `answer`) or a transaction (all or nothing, by `route`).

    Raises StoreError when the body is neither, or an entry of a transaction is refused.
    """
    body = request.body
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise BadRequest("Only a Bundle can be posted to the base address")
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise BadRequest("Bundle.entry must be an array")
    match body.get("type"):
        case "batch":
            asked = [_checked(request, entry) for entry in entries]
            replies = [_sent_back(store, one, answer(store, one)) for one in asked]
        case "transaction":
            asked = [_checked(request, entry) for entry in entries]
            replies = _transaction(store, asked, entries, answer, route)
        case other:
            raise BadRequest(f"Unable to process a Bundle of type: {other}")
    response = {
        "resourceType": "Bundle",
        "type": f"{body['type']}-response",
        "link": [{"relation": "self", "url": request.base}],
        "entry": [_entry(one, reply) for one, reply in zip(asked, replies, strict=True)],
    }
    return Reply(200, response)


def _checked(request: Request, entry: Any) -> Request:
    asked = entry_request(request, entry)
    if asked.method not in _ORDER:
        raise BadRequest(f"Bundle entry has an unknown method: {asked.method}")
    if not asked.path and asked.method == "POST":
        raise BadRequest("A Bundle cannot be posted inside a Bundle")
    return asked


def _transaction(
    store: Store, asked: list[Request], entries: list[Any], answer: Handler, route: Handler
) -> list[Reply]:
    """The replies in the order of the entries; references among them are resolved first, checked last.

    As in HAPI, a read that finds nothing does not undo the writes.
    """
    unchecked = replace(store, check_references=False)
    replies: dict[int, Reply] = {}
    with store.transaction():
        asked, replaced = _with_ids(store, asked, entries)
        asked = [replace(a, body=writes.with_references(a.body, replaced)) if a.body else a for a in asked]
        asked = [_with_conditional_references(store, a) for a in asked]
        written = [one.path for one in asked if one.method != "GET"]
        if len(written) != len(set(written)):
            raise BadRequest("A transaction may write to a resource once")
        for number in sorted(range(len(asked)), key=lambda n: _ORDER.index(asked[n].method)):
            one = asked[number]
            replies[number] = answer(store, one) if one.method == "GET" else _write(unchecked, one, route)
        if store.check_references:
            for one in asked:
                if one.method == "DELETE" and len(one.path) == 2:
                    writes.check_unreferenced(store, *one.path[:2])
                elif one.body:
                    writes.check_references(store, one.body)
    return [replies[number] for number in range(len(asked))]


def _with_ids(store: Store, asked: list[Request], entries: list[Any]) -> tuple[list[Request], dict[str, str]]:
    """The requests with the ids that new resources will have, and what stands for each `fullUrl`.

    A create whose condition is met by a resource becomes a read of it.
    """
    fresh = int(writes.new_id(store))
    replaced: dict[str, str] = {}
    settled = []
    for one, entry in zip(asked, entries, strict=True):
        if one.method in ("POST", "PUT") and len(one.path) == 1:
            condition = one.query or one.headers.get("if-none-exist")
            existing = writes.existing(store, one.path[0], condition, one.base) if condition else None
            body = writes.readable(one.body, one.path[0])
            if existing and one.method == "POST":
                one = replace(one, method="GET", path=(existing.type, existing.id), body=None, query=[])
            elif existing:
                one = replace(
                    one, path=(existing.type, existing.id), body=body | {"id": existing.id}, query=[]
                )
            else:
                new = str(fresh)
                fresh += 1
                one = replace(one, method="POST", path=(one.path[0], new), body=body | {"id": new}, query=[])
        elif one.method == "DELETE" and len(one.path) == 1:
            matched = writes.existing(store, one.path[0], one.query, one.base)
            one = replace(one, path=(matched.type, matched.id), query=[]) if matched else one
        if entry.get("fullUrl") and len(one.path) == 2:
            replaced[entry["fullUrl"]] = "/".join(one.path)
        settled.append(one)
    return settled, replaced


def _with_conditional_references(store: Store, one: Request) -> Request:
    """References such as `Practitioner?identifier=x` are looked up. Raises NotFound, Ambiguous."""
    found = {}
    for text in set(writes.references(one.body)):
        name, question, query = text.partition("?")
        if question:
            existing = writes.existing(store, name, query, one.base)
            if existing is None:
                raise NotFound(f"Invalid match URL in a reference, nothing matches on {name}")
            found[text] = f"{name}/{existing.id}"
    return replace(one, body=writes.with_references(one.body, found)) if found else one


def _write(store: Store, one: Request, route: Handler) -> Reply:
    """One write of a transaction; a create has its id in the path by now."""
    if one.method == "POST":
        stored = writes.create(store, one.body, one.base, one.path[1])
        return Reply(201, None, version_headers(stored) | {"Location": location(one.base, stored)})
    return _sent_back(store, one, route(store, one))


def _sent_back(store: Store, one: Request, reply: Reply) -> Reply:
    """The reply as a Bundle has it: as in HAPI a delete has no content, and says which version it made."""
    deleted = one.method == "DELETE" and len(one.path) == 2 and reply.status == 200
    gone = store.current(*one.path) if deleted else None
    return Reply(204, None, {"Location": location(one.base, gone)}) if gone else reply


def _entry(one: Request, reply: Reply) -> dict[str, Any]:
    """What a Bundle says of one reply; as in HAPI, what was written is not sent back."""
    response: dict[str, Any] = {"status": reply.status_line}
    for key, header in (("location", "Location"), ("location", "Content-Location"), ("etag", "ETag")):
        if header in reply.headers:
            response[key] = reply.headers[header]
    if reply.resource and reply.resource["resourceType"] == "OperationOutcome":
        return {"response": response | {"outcome": reply.resource}}
    if one.method != "GET" or not reply.resource:
        return {"response": response}
    return {"resource": json.loads(reply.text), "response": response}
