"""A searchset as a server answers it: entries that can be cited, links that may be followed, filters kept."""

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import httpx

from mcp_servers.fhir.access.references import parse
from mcp_servers.fhir.access.transport import outcome_text
from mcp_servers.fhir.errors import FilterIgnored, ServerFailed

Resource = dict[str, Any]

# Where the value lies that a date parameter sorts by, where it is a moment: of a period, servers may take
# either end.
_SORTED_BY = {
    "date": ("effectiveDateTime", "effectiveInstant", "performedDateTime", "occurrenceDateTime", "date",
             "recordedDate", "dateAsserted", "created"),
    "authoredon": ("authoredOn",),
    "authored": ("authoredOn",),
    "issued": ("issued",),
    "onset-date": ("onsetDateTime",),
    "recorded-date": ("recordedDate",),
}  # fmt: skip


def ref_of(resource: Resource) -> str:
    """`Type/id` of a record."""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def entries(bundle: Resource) -> list[tuple[Resource, str]]:
    """The resources of a searchset with their search modes. Raises ServerFailed when one cannot be cited."""
    if bundle["resourceType"] != "Bundle":
        raise ServerFailed(f"The FHIR server answered a search with {outcome_text(bundle) or 'no Bundle'}.")
    listed = bundle.get("entry") or []
    found: list[tuple[Resource, str]] = []
    for entry in listed if isinstance(listed, list) else [None]:
        item = entry if isinstance(entry, dict) else {}
        resource, search = item.get("resource"), item.get("search")
        if not isinstance(resource, dict) or not _can_be_cited(resource):
            raise ServerFailed("The FHIR server's answer holds an entry that is no record with type and id.")
        found.append((resource, str(search.get("mode")) if isinstance(search, dict) else "match"))
    return found


def _can_be_cited(resource: Resource) -> bool:
    kind, identifier = resource.get("resourceType"), resource.get("id")
    if kind == "OperationOutcome":
        return True
    return isinstance(kind, str) and isinstance(identifier, str) and parse(ref_of(resource)) is not None


def total_of(bundle: Resource) -> int | None:
    """How many records match by the server's count; None when it does not say."""
    total = bundle.get("total")
    return total if type(total) is int and total >= 0 else None


def made_at(bundle: Resource) -> str | None:
    """When the server made the searchset, by its clock; None when it does not say."""
    meta = bundle.get("meta")
    stated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return stated if isinstance(stated, str) else None


def check_filters_kept(bundle: Resource, sent: list[str]) -> None:
    """Servers may drop a parameter and return everything; what they used stands in the self link.

    Raises FilterIgnored (R4 search, "Server conformance"; HAPI with `Prefer: handling=lenient` does it).
    """
    lost = sorted((Counter(sent) - _kept(bundle)).keys())
    if lost:
        raise FilterIgnored(
            f"The FHIR server did not apply {', '.join(lost)}: its self link lacks them,"
            " so its answer is not used. Search without them."
        )


def in_order(bundle: Resource, matches: list[Resource], sort: str) -> bool:
    """Whether the server sorted by `sort`, the value of `_sort`, as far as its answer shows.

    Only the first field is looked at, and only where it is a date; days next to each other may change places,
    as servers and charts write moments in different zones.
    """
    if "_sort" not in _kept(bundle):
        return False
    first = sort.partition(",")[0]
    days = [day for resource in matches if (day := _day(resource, first.lstrip("-"))) is not None]
    if first.startswith("-"):
        days.reverse()
    return all(later >= earlier - 1 for earlier, later in pairwise(days))


def next_link(bundle: Resource, base: httpx.URL, resource_type: str) -> httpx.URL | None:
    """The next link, if it leads to this server's base or the same search; None at the end.

    `base` ends in a slash. Raises ServerFailed.
    """
    link = _link(bundle, "next")
    if link is None:
        return None
    try:
        url = base.join(link)
        origin = (url.scheme, url.host, url.port, url.userinfo)
    except (httpx.InvalidURL, ValueError):  # ValueError: an international name that is none
        raise ServerFailed("The FHIR server's next link is not an address.") from None
    allowed = {base.raw_path.rstrip(b"/"), base.raw_path + resource_type.encode()}
    same_origin = origin == (base.scheme, base.host, base.port, b"")
    if not same_origin or url.raw_path.partition(b"?")[0].rstrip(b"/") not in allowed:
        here = str(base).rstrip("/")
        raise ServerFailed(
            f"The FHIR server's next link leads away from {here}, and is not followed;"
            " use the address by which the server names itself."
        )
    return url


def _kept(bundle: Resource) -> Counter[str]:
    """The parameters that the server says it used, by name."""
    query = (_link(bundle, "self") or "").partition("#")[0].partition("?")[2]
    return Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))


def _link(bundle: Resource, relation: str) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == relation and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def _day(resource: Resource, parameter: str) -> int | None:
    """The day that a record is sorted by, counted; None where it has none that can be told."""
    meta = resource.get("meta")
    if parameter == "_lastUpdated":
        values = [meta.get("lastUpdated")] if isinstance(meta, dict) else []
    else:
        values = [resource.get(element) for element in _SORTED_BY.get(parameter, ())]
    for value in values:
        if isinstance(value, str):
            try:
                return date.fromisoformat(value[:10]).toordinal()
            except ValueError:
                return None
    return None
