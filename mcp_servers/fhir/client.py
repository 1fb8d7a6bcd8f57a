"""FHIR read and search under the patient lock: every page checked, every filter checked to have been kept."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from mcp_servers.fhir.capability import INCLUDES, Capability, read_capability
from mcp_servers.fhir.compartment import PatientLock, in_compartment
from mcp_servers.fhir.errors import InvalidRequest, NotFound, PatientLocked, ServerFailed
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.references import Reference, parse
from mcp_servers.fhir.search_dates import to_the_day
from mcp_servers.fhir.transport import Transport, outcome_text

Resource = dict[str, Any]
Parameters = Iterable[tuple[str, str]]

# A chart that needs more pages than this is taken for a server whose pages never end.
MAX_PAGES = 250


@dataclass(frozen=True)
class Next:
    """Where a search goes on: its next link, and the links already followed."""

    url: str
    resource_type: str
    followed: frozenset[str]


@dataclass(frozen=True)
class Page:
    """One page of a search: what matched, what came with it by `Type/id`, and what was left out."""

    matches: list[Resource]
    included: dict[str, Resource]
    total: int | None
    next: Next | None
    notes: list[str] = field(default_factory=list)


class FhirClient:
    """Read and search on one FHIR R4 server."""

    def __init__(
        self, http: httpx.AsyncClient, *, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> None:
        self._transport = Transport(http, sleep=sleep)
        self._capability: Capability | None = None

    @property
    def base(self) -> str:
        """The server's base address, without a slash at its end."""
        return self._transport.base

    async def capability(self, call: Call) -> Capability:
        """What the server can do, asked once. Raises ServerFailed when it does not speak FHIR R4."""
        if self._capability is None:
            try:
                statement = await self._transport.get(self._url("metadata"), call)
            except (NotFound, InvalidRequest):
                raise ServerFailed(
                    f"There is no FHIR server at {self.base}: it has no metadata. Check the address."
                ) from None
            self._capability = read_capability(statement)
        return self._capability

    async def read(self, reference: Reference, lock: PatientLock, call: Call) -> Resource:
        """One record of the locked patient, or one that such a record refers to; fit to show.

        A record of another patient and one that is not there get the same PatientLocked, so that nobody
        learns from it what other charts hold. Raises the errors of Transport.get too.
        """
        ref = reference.local
        known = (await self.capability(call)).of(reference.type)
        may_be_owned = in_compartment(reference.type) or not known.keys().isdisjoint(("patient", "subject"))
        if not may_be_owned and not lock.was_referred_to(ref):
            raise lock.refusal(ref)
        try:
            # What a server says of a record that it does not show may quote another patient's chart.
            resource = await self._transport.get(self._url(ref), call, quoting=ref == lock.patient)
        except NotFound:
            raise lock.refusal(ref) from None
        if _ref(resource) != ref:
            raise ServerFailed(f"The FHIR server answered a read of {ref} with another record.")
        if not lock.may_see(resource):
            raise lock.refusal(ref)
        lock.admit(resource)
        return resource

    async def search(
        self, resource_type: str, parameters: Parameters, lock: PatientLock | None, call: Call, *, count: int
    ) -> Page:
        """The first page of a search; with a lock, within its patient.

        Parameters that reach beyond the patient raise PatientLocked, those that the server does not have
        InvalidRequest; a server that ignores a filter raises ServerFailed.
        """
        capability = await self.capability(call)
        known = capability.of(resource_type)
        filters = [(n, to_the_day(v) if known.get(n) == "date" else v) for n, v in parameters]
        for name, value in filters:
            if lock is not None:
                lock.check_parameter(resource_type, name, value)
            capability.check(resource_type, name, value)
        if lock is not None:
            filters = [_patient_filter(resource_type, known, lock)] + [
                (n, v) for n, v in filters if n not in ("patient", "subject")
            ]
        asked = [*filters, ("_count", str(count)), ("_total", "accurate")]
        url = self._url(resource_type).copy_with(params=asked)
        bundle = await self._transport.get(url, call)
        _check_filters_kept(bundle, [n for n, _ in filters if n != "_sort" and n not in INCLUDES])
        return self._page(bundle, lock, resource_type, frozenset({str(url)}))

    async def next_page(self, following: Next, lock: PatientLock | None, call: Call) -> Page:
        """The page behind a next link, checked as the first one was. Raises as `search` does."""
        try:
            bundle = await self._transport.get(httpx.URL(following.url), call)
        except NotFound:
            raise InvalidRequest("This search has expired on the FHIR server; run it again.") from None
        followed = following.followed | {following.url}
        return self._page(bundle, lock, following.resource_type, followed)

    def _page(
        self,
        bundle: Resource,
        lock: PatientLock | None,
        resource_type: str,
        followed: frozenset[str],
    ) -> Page:
        matches: list[Resource] = []
        others: list[Resource] = []
        notes: list[str] = []
        shared = 0
        for resource, mode in _entries(bundle):
            if resource["resourceType"] == "OperationOutcome":
                notes.append(f"The server says: {outcome_text(resource)}")
            elif mode == "include":
                others.append(resource)
            elif resource["resourceType"] != resource_type:
                raise ServerFailed(
                    f"The FHIR server answered a search for {resource_type} with another type."
                )
            elif lock is None or (verdict := lock.verdict(resource)) == "inside":
                matches.append(resource)
            elif verdict == "shared":
                shared += 1
            else:
                raise ServerFailed(
                    f"The FHIR server ignored the filter for {lock.patient} and returned records of others;"
                    " nothing of its answer was used. Do not rely on this server's searches."
                )
        if lock is not None:
            withheld = sum(lock.admit(resource) for resource in matches)
            visible = [resource for resource in others if lock.may_see(resource)]
            dropped = len(others) - len(visible)
            others = visible
            withheld += sum(lock.admit(resource) for resource in others)
            if shared:
                notes.append(f"{shared} records that are about other patients too are withheld.")
            if dropped:
                notes.append(f"{dropped} included records outside {lock.patient} are withheld.")
            if withheld:
                notes.append(
                    "1 mention of another patient is withheld."
                    if withheld == 1
                    else f"{withheld} mentions of other patients are withheld."
                )
        total = bundle.get("total")
        return Page(
            matches=matches,
            included={_ref(resource): resource for resource in others},
            total=total if type(total) is int and total >= 0 else None,
            next=self._next(bundle, resource_type, followed),
            notes=notes,
        )

    def _next(self, bundle: Resource, resource_type: str, followed: frozenset[str]) -> Next | None:
        """The next link, if it leads to this server's base or the same search. Raises ServerFailed."""
        link = _link(bundle, "next")
        if link is None:
            return None
        base = self._url("")
        try:
            url = base.join(link)
            origin = (url.scheme, url.host, url.port, url.userinfo)
        except (httpx.InvalidURL, ValueError):  # ValueError: an international name that is none
            raise ServerFailed("The FHIR server's next link is not an address.") from None
        allowed = {base.raw_path.rstrip(b"/"), self._url(resource_type).raw_path}
        same_origin = origin == (base.scheme, base.host, base.port, b"")
        if not same_origin or url.raw_path.partition(b"?")[0].rstrip(b"/") not in allowed:
            raise ServerFailed(
                f"The FHIR server's next link leads away from {self.base}, and is not followed;"
                " use the address by which the server names itself."
            )
        if str(url) in followed or len(followed) >= MAX_PAGES:
            raise ServerFailed(
                f"The FHIR server's pages of {resource_type} do not end ({len(followed)} read);"
                " narrow the search with more parameters."
            )
        return Next(str(url), resource_type, followed)

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self.base}/{path}")


def _patient_filter(resource_type: str, known: dict[str, str], lock: PatientLock) -> tuple[str, str]:
    """The parameter that keeps a search within the patient. Raises PatientLocked when the type has none."""
    if resource_type == "Patient":
        return "_id", lock.id
    # Of R4's compartment types only Group (member) and Schedule (actor) have neither patient nor subject.
    for name in ("patient", "subject", "member", "actor"):
        if name in known:
            return name, lock.id if name == "patient" else lock.patient
    raise PatientLocked(
        f"{resource_type} cannot be searched by patient, so a session about {lock.patient} cannot search it;"
        " read the ones that its records refer to by their reference."
    )


def _entries(bundle: Resource) -> list[tuple[Resource, str]]:
    """The resources of a searchset with their search modes. Raises ServerFailed when one cannot be cited."""
    if bundle["resourceType"] != "Bundle":
        raise ServerFailed(f"The FHIR server answered a search with {outcome_text(bundle) or 'no Bundle'}.")
    entries = bundle.get("entry") or []
    found: list[tuple[Resource, str]] = []
    for entry in entries if isinstance(entries, list) else [None]:
        item = entry if isinstance(entry, dict) else {}
        resource, search = item.get("resource"), item.get("search")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(resource, dict) or (kind != "OperationOutcome" and parse(_ref(resource)) is None):
            raise ServerFailed("The FHIR server's answer holds an entry that is no record with type and id.")
        found.append((resource, str(search.get("mode")) if isinstance(search, dict) else "match"))
    return found


def _check_filters_kept(bundle: Resource, sent: list[str]) -> None:
    """Servers may drop a parameter and return everything; what they used stands in the self link.

    Raises ServerFailed (R4 search, "Server conformance"; HAPI with `Prefer: handling=lenient` does it).
    """
    own = _link(bundle, "self")
    try:
        kept = Counter(name for name, _ in httpx.URL(own or "").params.multi_items())
    except httpx.InvalidURL:
        kept = Counter()
    lost = sorted((Counter(sent) - kept).keys())
    if lost:
        raise ServerFailed(
            f"The FHIR server did not apply {', '.join(lost)}: its self link lacks them,"
            " so its answer is not used. Search without them."
        )


def _link(bundle: Resource, relation: str) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == relation and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def _ref(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"
