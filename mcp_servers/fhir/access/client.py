"""FHIR read and search under the patient lock: every page checked, every filter checked to have been kept."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
import httpx

from mcp_servers.fhir.access.capability import INCLUDES, Capability, read_capability
from mcp_servers.fhir.access.compartment import PatientLock, in_compartment
from mcp_servers.fhir.access.references import Reference
from mcp_servers.fhir.access.referring import referring_searches
from mcp_servers.fhir.access.search_dates import to_the_day
from mcp_servers.fhir.access.searchset import (
    check_filters_kept,
    entries,
    in_order,
    made_at,
    next_link,
    ref_of,
    total_of,
)
from mcp_servers.fhir.access.transport import Limits, Transport, outcome_text
from mcp_servers.fhir.errors import (
    FhirToolError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    PatientLocked,
    SearchExpired,
    ServerFailed,
)
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]
Parameters = Iterable[tuple[str, str]]

# A search that needs more pages than this is taken for one whose pages never end.
MAX_PAGES = 1000


@dataclass(frozen=True)
class Next:
    """Where a search goes on: its next link, the order asked for, and the links already followed."""

    url: str
    resource_type: str
    sort: str
    followed: frozenset[str]


@dataclass(frozen=True)
class Page:
    """One page of a search: what matched, what came with it by `Type/id`, and what was left out.

    `withheld` counts matches that are not the patient's alone; `of_others` the shared ones, includes outside,
    and mentions. `in_order` is false where the server did not sort as it was asked to. `as_of` is when it
    made the page, by its clock, where it says so.
    """

    matches: list[Resource]
    included: dict[str, Resource]
    total: int | None
    next: Next | None
    notes: list[str] = field(default_factory=list)
    withheld: int = 0
    of_others: int = 0
    in_order: bool = True
    as_of: str | None = None


class FhirClient:
    """Read and search on one FHIR R4 server."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        limits: Limits | None = None,
    ) -> None:
        self._transport = Transport(http, sleep=sleep, limits=limits or Limits())
        self._capability: Capability | None = None
        self._asking = anyio.Lock()
        self._refused: FhirToolError | None = None

    @property
    def base(self) -> str:
        """The server's base address, without a slash at its end."""
        return self._transport.base

    async def capability(self, call: Call) -> Capability:
        """What the server can do, asked once. Raises ServerFailed when it does not speak FHIR R4.

        Calls that wait for another's try share its failure, or they would fail one after the other.
        """
        if self._capability is None:
            self._transport.begin(call)
            earlier = self._refused
            async with self._asking:
                if self._capability is None:
                    if self._refused is not None and self._refused is not earlier:
                        raise type(self._refused)(*self._refused.args)
                    try:
                        self._capability = await self._ask_capability(call)
                    except FhirToolError as refused:
                        self._refused = refused
                        raise
        return self._capability

    async def _ask_capability(self, call: Call) -> Capability:
        try:
            statement = await self._transport.get(self._url("metadata"), call)
        except (NotFound, InvalidRequest):
            raise ServerFailed(
                f"There is no FHIR server at {self.base}: it has no metadata. Check the address."
            ) from None
        return await anyio.to_thread.run_sync(read_capability, statement)

    def bytes_read(self, call: Call) -> int:
        """How much one tool call has read so far, unpacked."""
        return self._transport.bytes_read(call)

    async def read(self, reference: Reference, lock: PatientLock, call: Call) -> Resource:
        """One record of the locked patient, or one that such a record refers to; fit to show.

        A record of another patient and one that is not there get the same PatientLocked, so that nobody
        learns from it what other charts hold. Raises the errors of Transport.get too.
        """
        ref = reference.local
        if reference.type == "Patient" and ref != lock.patient:
            raise lock.refusal(ref)  # a read would be on record in the other patient's chart
        known = (await self.capability(call)).of(reference.type)
        may_be_owned = in_compartment(reference.type) or not known.keys().isdisjoint(("patient", "subject"))
        if not may_be_owned and not await self._is_referred_to(ref, lock, call):
            raise lock.refusal(ref)
        try:
            # What a server says of a record that it does not show may quote another patient's chart.
            resource = await self._transport.get(self._url(ref), call, quoting=ref == lock.patient)
        except NotFound:
            raise lock.refusal(ref) from None
        if ref_of(resource) != ref:
            raise ServerFailed(f"The FHIR server answered a read of {ref} with another record.")
        if not lock.may_see(resource):
            if not lock.is_nobodys(resource) or not await self._is_referred_to(ref, lock, call):
                raise lock.refusal(ref)
            for context in lock.unproven(resource):
                if context is not None and not context.base and in_compartment(context.type):
                    with suppress(PatientLocked):  # the patient's, or not: the lock knows it from now on
                        await self.read(context, lock, call)
            if not lock.may_see(resource):
                raise lock.refusal(ref)
        call.withheld(await anyio.to_thread.run_sync(lock.admit, resource))
        return resource

    async def _is_referred_to(self, ref: str, lock: PatientLock, call: Call) -> bool:
        """Whether a record of the patient refers to `ref`, by what was seen of the chart or else by searches.

        The lock then knows it: it looks at each record that a search brings, and trusts no count. What
        referred to `ref` in an earlier call is read again first. Raises NotPermitted or ServerFailed only
        where nothing shows it and the server withheld something that might.
        """
        withheld: dict[str, NotPermitted | ServerFailed] = {}
        referrer = lock.referrer(ref)
        if referrer is not None and not lock.was_referred_to(ref):
            try:
                earlier = await self._transport.get(self._url(referrer), call, quoting=False)
                await anyio.to_thread.run_sync(lock.admit, earlier)
            except NotFound:
                pass
            except (NotPermitted, ServerFailed) as error:
                withheld[referrer] = error
        capability = await self.capability(call)
        for kind, parameter, size, pages in referring_searches(ref, self.base, capability):
            if lock.was_referred_to(ref):
                break
            try:
                page = await self.search(kind, [parameter], lock, call, count=size, total=False)
                for _ in range(1, pages):
                    if page.next is None or lock.was_referred_to(ref):
                        break
                    page = await self.next_page(page.next, lock, call)
            except InvalidRequest:  # a server may refuse a target that R4 allows
                continue
            except (NotPermitted, ServerFailed) as error:
                withheld[kind] = error
        if withheld and not lock.was_referred_to(ref):
            raise type(next(iter(withheld.values())))(
                f"Whether {lock.patient} has a record that refers to {ref} cannot be told: the FHIR server"
                f" refused, or failed to answer, what was asked of {', '.join(withheld)}. Try again later,"
                " or with the rights to read these."
            )
        return lock.was_referred_to(ref)

    async def search(
        self,
        resource_type: str,
        parameters: Parameters,
        lock: PatientLock | None,
        call: Call,
        *,
        count: int,
        total: bool = True,
    ) -> Page:
        """The first page of a search; with a lock, within its patient.

        `total` asks the server to count all that match, which costs it a query of its own. Parameters that
        reach beyond the patient raise PatientLocked, those that the server does not have InvalidRequest; a
        server that ignores a filter raises ServerFailed.
        """
        filters = await self._filters(resource_type, parameters, lock, call)
        asked = [*filters, ("_count", str(count)), *([("_total", "accurate")] if total else [])]
        url = self._url(resource_type, asked)
        bundle = await self._transport.get(url, call)
        check_filters_kept(bundle, [n for n, _ in filters if n != "_sort" and n not in INCLUDES])
        sort = next((value for name, value in filters if name == "_sort"), "")
        here = Next(str(url), resource_type, sort, frozenset())
        return await self._checked(bundle, lock, here, call)

    async def next_page(self, following: Next, lock: PatientLock | None, call: Call) -> Page:
        """The page behind a next link, checked as the first was. Raises SearchExpired, and as `search`."""
        try:
            bundle = await self._transport.get(httpx.URL(following.url), call)
        except NotFound:
            raise SearchExpired("This search has expired on the FHIR server; run it again.") from None
        return await self._checked(bundle, lock, following, call)

    async def referred(
        self, resource_type: str, ids: Iterable[str], lock: PatientLock | None, call: Call
    ) -> list[Resource]:
        """Those of the records with these ids, of a type that is about nobody, that may be shown.

        With a lock: to which a record of the patient that this call was brought refers. Raises as `search`.
        """
        named = list(ids)
        page = await self.search(
            resource_type, [("_id", ",".join(named))], None, call, count=len(named), total=False
        )
        found = list(page.matches)
        while page.next is not None:
            page = await self.next_page(page.next, None, call)
            found += page.matches
        if lock is None:
            return found
        visible = [resource for resource in found if lock.may_see(resource)]
        for resource in visible:
            lock.admit(resource)
        return visible

    async def count(
        self, resource_type: str, parameters: Parameters, lock: PatientLock | None, call: Call
    ) -> int | None:
        """How many records match, by the server's count; None when it gives none. Raises as `search`.

        HAPI's counts come without a self link, so nothing shows that it applied every filter: see to it that
        counts add up.
        """
        filters = await self._filters(resource_type, parameters, lock, call)
        url = self._url(resource_type, [*filters, ("_summary", "count")])
        bundle = await self._transport.get(url, call)
        entries(bundle)
        if bundle.get("link"):
            check_filters_kept(bundle, [n for n, _ in filters])
        return total_of(bundle)

    async def terminology(
        self, operation: tuple[str, str], parameters: Parameters, call: Call
    ) -> Resource | None:
        """The answer to a terminology operation (`("ValueSet", "expand")`); None where the server has it not.

        Such operations are about terms and codes, never of a patient's records, so no lock is on them. Raises
        as Transport.get: NotFound and InvalidRequest mostly mean that the server lacks the code system.
        """
        if not (await self.capability(call)).offers(operation):
            return None
        kind, name = operation
        url = self._url(f"{kind}/${name}", list(parameters))
        return await self._transport.get(url, call)

    async def _filters(
        self, resource_type: str, parameters: Parameters, lock: PatientLock | None, call: Call
    ) -> list[tuple[str, str]]:
        """The parameters as they are sent, the patient first."""
        capability = await self.capability(call)
        known = capability.of(resource_type)
        filters = [(n, to_the_day(v) if known.get(n) == "date" else v) for n, v in parameters]
        for name, value in filters:
            if lock is not None:
                lock.check_parameter(resource_type, name, value)
            capability.check(resource_type, name, value)
        if lock is None:
            return filters
        owner = _patient_filter(resource_type, known, lock)
        return [owner, *((n, v) for n, v in filters if n not in ("patient", "subject"))]

    async def _checked(self, bundle: Resource, lock: PatientLock | None, here: Next, call: Call) -> Page:
        """The page that the link `here` brought. Takes seconds for a large one: made in a thread."""
        if not bundle.get("entry"):  # as mostly where it is asked what changed
            return self._page(bundle, lock, here)
        page = await anyio.to_thread.run_sync(self._page, bundle, lock, here)
        call.withheld(page.of_others)
        return page

    def _page(self, bundle: Resource, lock: PatientLock | None, here: Next) -> Page:
        matches: list[Resource] = []
        others: list[Resource] = []
        notes: list[str] = []
        shared = foreign = of_others = 0
        for resource, mode in entries(bundle):
            if resource["resourceType"] == "OperationOutcome":
                notes.append(f"The server says: {outcome_text(resource)}")
            elif mode == "include":
                others.append(resource)
            elif resource["resourceType"] != here.resource_type:
                raise ServerFailed(
                    f"The FHIR server answered a search for {here.resource_type} with another type."
                )
            elif lock is None or (verdict := lock.verdict(resource)) == "inside":
                matches.append(resource)
            elif verdict == "shared":
                shared += 1
            else:
                foreign += 1
        if lock is not None:
            if foreign >= max(len(matches), 1):
                raise ServerFailed(
                    f"The FHIR server ignored the filter for {lock.patient} and returned records of others;"
                    " nothing of its answer was used. Do not rely on this server's searches."
                )
            withheld = sum(lock.admit(resource) for resource in matches)
            visible = [resource for resource in others if lock.may_see(resource)]
            dropped = len(others) - len(visible)
            others = visible
            withheld += sum(lock.admit(resource) for resource in others)
            of_others = shared + dropped + withheld
            if shared:
                notes.append(f"{shared} records that are about other patients too are withheld.")
            if foreign:
                notes.append(
                    f"{foreign} records of others, which the FHIR server returned for {lock.patient}, are"
                    " dropped: its filter by patient cannot be relied upon."
                )
            if dropped:
                notes.append(f"{dropped} included records outside {lock.patient} are withheld.")
            if withheld:
                notes.append(
                    "1 mention of another patient is withheld."
                    if withheld == 1
                    else f"{withheld} mentions of other patients are withheld."
                )
        sorted_so = not here.sort or in_order(bundle, matches, here.sort)
        if not sorted_so:
            notes.append(
                f"The FHIR server did not sort by {here.sort}: the order of its answer says nothing."
            )
        return Page(
            matches=matches,
            included={ref_of(resource): resource for resource in others},
            total=None if foreign else total_of(bundle),  # a count of others' records is theirs
            next=self._next(bundle, here),
            notes=notes,
            withheld=shared + foreign,
            of_others=of_others,
            in_order=sorted_so,
            as_of=made_at(bundle),
        )

    def _next(self, bundle: Resource, here: Next) -> Next | None:
        """Where the search goes on. Raises ServerFailed for a link that leads elsewhere or in a circle."""
        url = next_link(bundle, self._url(""), here.resource_type)
        if url is None:
            return None
        followed = here.followed | {here.url}
        if str(url) in followed or len(followed) >= MAX_PAGES:
            raise ServerFailed(
                f"The FHIR server's pages of {here.resource_type} do not end ({len(followed)} read);"
                " narrow the search with more parameters."
            )
        return Next(str(url), here.resource_type, here.sort, followed)

    def _url(self, path: str, parameters: list[tuple[str, str]] | None = None) -> httpx.URL:
        return httpx.URL(f"{self.base}/{path}", params=parameters)


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
