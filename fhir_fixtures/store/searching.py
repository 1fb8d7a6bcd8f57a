"""Searches carried out: matches, included resources, pages, and the Bundles that carry them."""

# ruff: noqa: S608 (the SQL is put together from this package's own names; every value from outside is bound)

import json
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, urlencode

from fhir_fixtures.store.database import Store, instant
from fhir_fixtures.store.errors import BadRequest, Gone, NotFound
from fhir_fixtures.store.exchange import Reply
from fhir_fixtures.store.parameters import resource_type, type_names
from fhir_fixtures.store.predicates import Sql, all_of
from fhir_fixtures.store.query import OF_TYPE, Include, Search, count, read_search

# How long the pages of a search can be asked for (as in HAPI), in milliseconds.
PAGES_KEPT = 60 * 60 * 1000

# So many dates are looked through for the first page of a long search that is sorted by them.
_DATES = 20_000

# A condition that so many index rows meet is not asked of each by itself.
_MANY = 4000
_ON_RESOURCE = re.compile(r"\br\.(?!rid\b)")

_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}


def matches(store: Store, search: Search) -> list[int]:
    """The row numbers of all resources that match, in order."""
    found = _found(store, search)
    rows = store.connection.execute(
        f"SELECT r.rid FROM {found.text} ORDER BY {search.order.text}", [*found.values, *search.order.values]
    )
    return [row[0] for row in rows]


def _first_by_date(store: Store, search: Search) -> list[int] | None:
    """The first rows of a long search that one date sorts, a page and one more: not all need be sorted.

    None for other searches, and where the dates looked through hold no such page.
    """
    conditions = [condition for condition in search.conditions if condition.text != OF_TYPE]
    if (
        search.by_date is None
        or any(_ON_RESOURCE.search(one.text) for one in conditions)
        or any(_size(store, one) < _MANY for one in conditions if one.rows)
    ):
        return None
    number, down = search.by_date
    direction = "DESC" if down else "ASC"
    met = all_of([Sql(one.each or one.text, one.values) for one in conditions])
    rows = store.connection.execute(
        "SELECT r.rid, r.low FROM (SELECT rid, low FROM date_index INDEXED BY date_value WHERE param = ?"
        f" ORDER BY low {direction} LIMIT {_DATES}) r WHERE {met.text}",
        [number, *met.values],
    )
    found: dict[int, int] = {}
    for rid, low in rows:
        if len(found) > search.count and low != found[next(reversed(found))]:
            return sorted(found, key=lambda rid: (-found[rid] if down else found[rid], rid))
        found.setdefault(rid, low)
    return None


def _count(store: Store, search: Search) -> int:
    found = _found(store, search)
    row = store.connection.execute(f"SELECT count(*) FROM {found.text}", found.values).fetchone()
    return int(row[0])


def _found(store: Store, search: Search) -> Sql:
    """What a search selects from, and where: from the index of the condition that the fewest resources meet.

    The others are then asked of each of these; of many it is quicker to look each condition up once.
    """
    indexed = [n for n, condition in enumerate(search.conditions) if condition.rows]
    if not indexed:
        whole = all_of(list(search.conditions))
        return Sql(f"resource r WHERE {whole.text}", whole.values)
    fewest, size = indexed[0], 0
    if len(indexed) > 1:
        size = _MANY
        for n in reversed(indexed):  # whose record it is stands first, and many are of one patient
            found = _size(store, search.conditions[n], size + 1)
            fewest, size = (n, found) if found <= size else (fewest, size)
    first = search.conditions[fewest]
    few = size < _MANY
    others = [
        Sql(condition.each if few and condition.each else condition.text, condition.values)
        for n, condition in enumerate(search.conditions)
        if n != fewest
    ]
    # An index row is of one type, and of nothing that is deleted: its resource need not be looked up.
    narrow = [condition for condition in others if condition.text != OF_TYPE]
    if first.rows.startswith("SELECT i.") and not any(_ON_RESOURCE.search(one.text) for one in narrow):
        met = all_of(narrow)
        return Sql(
            f"(SELECT DISTINCT rid FROM ({first.rows})) r WHERE {met.text}", [*first.values, *met.values]
        )
    met = all_of(others)
    return Sql(f"resource r WHERE r.rid IN ({first.rows}) AND {met.text}", [*first.values, *met.values])


def _size(store: Store, condition: Sql, most: int = _MANY) -> int:
    """How many index rows meet a condition, counted as far as it matters."""
    counted = f"SELECT count(*) FROM ({condition.rows} LIMIT {min(most, _MANY)})"
    return int(store.connection.execute(counted, condition.values).fetchone()[0])


def first_page(store: Store, search: Search, base: str, address: str) -> Reply:
    """The searchset Bundle of a search; `address` is what was searched, such as `Patient`.

    The total is left out when more pages follow, unless it was asked for, as HAPI does.
    """
    self_link = f"{base}/{address}" + (
        f"?{urlencode(search.kept, quote_via=quote, safe=',:|/')}" if search.kept else ""
    )
    if search.count == 0:
        return Reply(200, _bundle(self_link, total=_count(store, search)))
    beginning = _first_by_date(store, search)
    total = None
    if beginning is not None and search.accurate:
        total = _count(store, search)
    showing = {
        "found": matches(store, search) if beginning is None else beginning,
        "total": total,
        "asked": None if beginning is None else [search.type_name, search.kept],
        "accurate": search.accurate,
        "summary": search.summary,
        "elements": search.elements,
        "includes": [asdict(include) for include in search.includes],
    }
    return _page(store, showing, base, self_link, size=search.count)


def everything(store: Store, patient: str, base: str, pairs: list[tuple[str, str]]) -> Reply:
    """`Patient/[id]/$everything`: the patient, the compartment, and what these refer to outside of it.

    As in HAPI a patient's devices belong to it, and `_type` narrows the compartment alone. Parameters:
    `_count` and `_type`. Raises BadRequest, NotFound.
    """
    stored = store.current("Patient", patient)
    if stored is None or stored.body is None:
        raise NotFound(f"Resource Patient/{patient} is not known")
    given = dict(pairs)
    unknown = set(given) - {"_count", "_type", "_format", "_pretty"}
    if unknown:
        raise BadRequest(f"Unknown parameters for $everything: {', '.join(sorted(unknown))}")
    wanted = given["_type"].split(",") if "_type" in given else type_names()
    devices = resource_type("Device")
    numbers = [p.number for name in type_names() for p in _compartment_parameters(name)]
    numbers += [devices.parameters["patient"].number] if devices else []
    marks = ", ".join("?" * len(numbers))
    members = store.connection.execute(
        "SELECT DISTINCT f.rid FROM reference_index f JOIN resource r ON r.rid = f.rid"
        " WHERE f.target_type = 'Patient' AND f.target_id = ? AND r.type != 'Patient'"
        f" AND f.param IN ({marks}) AND r.type IN (SELECT value FROM json_each(?)) ORDER BY f.rid",
        [patient, *numbers, json.dumps(wanted)],
    )
    found = [stored.rid, *(row[0] for row in members)]
    outside = [name for name in type_names() if not _compartment_parameters(name) and name != "Patient"]
    seen = set(found)
    fresh = found
    while fresh:
        fresh = sorted(_targets(store, fresh, None, outside) - seen)
        seen.update(fresh)
        found = [*found, *fresh]
    showing = {"found": found, "accurate": False, "summary": None, "elements": [], "includes": []}
    self_link = f"{base}/Patient/{patient}/$everything" + (f"?{urlencode(pairs)}" if pairs else "")
    return _page(store, showing, base, self_link, size=count(given.get("_count")) or 1)


def _compartment_parameters(name: str) -> list[Any]:
    kind = resource_type(name)
    return [kind.parameters[code] for code in kind.compartment if code in kind.parameters] if kind else []


def next_page(store: Store, pairs: list[tuple[str, str]], base: str) -> Reply:
    """A further page, as a next link asks for it. Raises Gone, BadRequest."""
    given = dict(pairs)
    token, offset = given["_getpages"], given.get("_getpagesoffset", "0")
    row = store.connection.execute(
        "SELECT search FROM pages WHERE token = ? AND created > ?", (token, _now() - PAGES_KEPT)
    ).fetchone()
    if row is None:
        raise Gone(f'Search ID "{token}" does not exist and may have expired')
    if not offset.isdecimal():
        raise BadRequest(f"Invalid _getpagesoffset: {offset}")
    size = count(given.get("_count")) or 1
    self_link = _page_link(base, token, int(offset), size)
    showing = json.loads(row[0])
    if showing.get("asked"):  # of which only the beginning was found
        type_name, pairs = showing["asked"]
        found = matches(store, read_search(type_name, [(name, value) for name, value in pairs], base))
        showing |= {"found": found, "asked": None, "total": None}
        with store.transaction():
            store.connection.execute(
                "UPDATE pages SET search = ? WHERE token = ?", (json.dumps(showing), token)
            )
    return _page(store, showing, base, self_link, size=size, offset=int(offset), token=token)


def _page(
    store: Store,
    showing: dict[str, Any],
    base: str,
    self_link: str,
    *,
    size: int,
    offset: int = 0,
    token: str | None = None,
) -> Reply:
    """The Bundle of one page; a first page that others follow is given a token to ask for them by."""
    found = showing["found"]
    on_page = found[offset : offset + size]
    more = offset + size < len(found)
    if more and token is None:
        token = _keep(store, showing)
    links = []
    if token and more:
        links.append({"relation": "next", "url": _page_link(base, token, offset + size, size)})
    if token and offset:
        links.append({"relation": "previous", "url": _page_link(base, token, max(0, offset - size), size)})
    includes = [Include(**include) for include in showing["includes"]]
    entries = [(rid, "match") for rid in on_page]
    entries += [(rid, "include") for rid in _included(store, on_page, includes)]
    rids = [rid for rid, _ in entries]
    bodies = {
        rid: (f"{base}/{kind}/{identifier}", body)
        for rid, kind, identifier, body in _rows(
            store, "SELECT rid, type, id, body FROM resource WHERE rid IN ({}) AND body IS NOT NULL", rids
        )
    }
    shown = ",".join(
        f'{{"fullUrl":{json.dumps(bodies[rid][0])},"resource":{_shown(bodies[rid][1], showing)},'
        f'"search":{{"mode":"{mode}"}}}}'
        for rid, mode in entries
        if rid in bodies
    )
    single = not more and offset == 0
    counted = showing.get("total") or len(found)
    total = counted if showing["accurate"] or single else None
    return Reply(200, _bundle(self_link, total=total, links=links), entries=shown)


def _shown(body: str, showing: dict[str, Any]) -> str:
    """A resource as it is stored, cut down where the search asks for that."""
    summary, elements = showing["summary"], showing["elements"]
    if not elements and summary not in ("true", "text", "data"):
        return body
    return json.dumps(shaped(json.loads(body), summary, elements), separators=(",", ":"))


def _bundle(self_link: str, *, total: int | None, links: Iterable[dict[str, str]] = ()) -> dict[str, Any]:
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"lastUpdated": instant(_now())},
        "type": "searchset",
    }
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": "self", "url": self_link}, *links]
    return bundle


def _keep(store: Store, showing: dict[str, Any]) -> str:
    token = str(uuid.uuid4())
    now = _now()
    with store.transaction():
        store.connection.execute("DELETE FROM pages WHERE created <= ?", (now - PAGES_KEPT,))
        store.connection.execute("INSERT INTO pages VALUES (?, ?, ?)", (token, now, json.dumps(showing)))
    return token


def _page_link(base: str, token: str, offset: int, size: int) -> str:
    return f"{base}?_getpages={token}&_getpagesoffset={offset}&_count={size}&_bundletype=searchset"


def _now() -> int:
    return int(time.time() * 1000)


def _included(store: Store, on_page: list[int], includes: list[Include]) -> list[int]:
    """The row numbers of what the matches bring along, each once and none of the matches."""
    seen = dict.fromkeys(on_page)
    fresh, first = on_page, True
    while fresh and includes:
        found: set[int] = set()
        for include in includes:
            if first or include.iterate:
                found |= _one_include(store, fresh, include)
        fresh = sorted(found - seen.keys())
        seen.update(dict.fromkeys(fresh))
        first = False
    return list(seen)[len(on_page) :]


def _one_include(store: Store, rids: list[int], include: Include) -> set[int]:
    kind = resource_type(include.source)
    numbers = None
    if include.code != "*" and kind:
        numbers = [kind.parameters[include.code].number]
    elif kind:
        numbers = [p.number for p in kind.parameters.values() if p.type == "reference"]
    targets = [include.target] if include.target else None
    return _sources(store, rids, numbers) if include.reverse else _targets(store, rids, numbers, targets)


def _targets(store: Store, rids: list[int], numbers: list[int] | None, types: list[str] | None) -> set[int]:
    """What resources refer to: by these parameters and of these types (None: any)."""
    select = (
        "SELECT DISTINCT t.rid FROM reference_index f JOIN resource t ON t.type = f.target_type"
        " AND t.id = f.target_id AND t.body IS NOT NULL WHERE f.rid IN ({})"
    )
    select, values = _narrowed(select, numbers)
    if types is not None:
        select += f" AND t.type IN ({', '.join('?' * len(types))})"
    return {row[0] for row in _rows(store, select, rids, [*values, *(types or [])])}


def _sources(store: Store, rids: list[int], numbers: list[int] | None) -> set[int]:
    """What refers to resources, by these parameters (None: any)."""
    select = (
        "SELECT DISTINCT f.rid FROM reference_index f JOIN resource t ON f.target_type = t.type"
        " AND f.target_id = t.id WHERE t.rid IN ({})"
    )
    select, values = _narrowed(select, numbers)
    return {row[0] for row in _rows(store, select, rids, values)}


def _narrowed(select: str, numbers: list[int] | None) -> tuple[str, list[Any]]:
    if numbers is None:
        return select, []
    return f"{select} AND f.param IN ({', '.join('?' * len(numbers))})", list(numbers)


def _rows(store: Store, select: str, rids: list[int], values: Iterable[Any] = ()) -> list[Any]:
    """The rows of a SELECT whose `{}` stands for row numbers, which may be more than SQLite takes at once."""
    marks = "SELECT value FROM json_each(?)"
    return store.connection.execute(select.format(marks), [json.dumps(rids), *values]).fetchall()


def shaped(resource: dict[str, Any], summary: str | None, elements: Iterable[str]) -> dict[str, Any]:
    """The resource cut down as `_summary` or `_elements` ask; what is cut is tagged SUBSETTED."""
    kind = resource_type(resource["resourceType"])
    always = {"resourceType", "id", "meta"}
    elements = set(elements)
    if elements and kind:
        keep = always | elements | kind.mandatory
    elif summary == "true" and kind:
        keep = always | kind.summary
    elif summary == "text" and kind:
        keep = always | {"text"} | kind.mandatory
    elif summary == "data":
        keep = set(resource) - {"text"}
    else:
        return resource
    meta = resource.get("meta", {})
    cut = {key: value for key, value in resource.items() if key.removeprefix("_") in keep}
    return cut | {"meta": meta | {"tag": [*meta.get("tag", []), _SUBSETTED]}}
