"""What searches found, kept between calls: each call asks how many there are and what was written since."""

from collections import OrderedDict, defaultdict
from copy import deepcopy

import anyio
from anyio import to_thread

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock, in_compartment
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.elements import first, objects
from mcp_servers.fhir.errors import FhirToolError
from mcp_servers.fhir.reading.gathering import Gathered, Resource, gather, gather_by_id
from mcp_servers.fhir.reading.snapshot import FEW, SMALLER_PAGES, Snapshot
from mcp_servers.fhir.recording import Call

# What is longer is read each time; beyond it, what was asked for longest ago is forgotten.
MOST_KEPT = 10_000
_IDS_AT_ONCE = 100


class Keeping:
    """What was read of one patient's chart: the records of a type, or those that a search narrows down to."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Search, _Kept] = OrderedDict()

    def holds(self, search: Search) -> bool:
        """Whether an earlier call left records of this search: then it is quicker to ask what changed."""
        return search in self._kept and self._kept[search].count > 0

    async def gather(self, client: FhirClient, search: Search, lock: PatientLock, call: Call) -> Gathered:
        """What gathering.gather finds by this search, without the bytes of attachments. Raises what
        FhirClient.search raises.

        What the records refer to is read again by each call; what could not be read with a record is asked
        for again when the record changes.
        """
        kept = self._kept.setdefault(search, _Kept(search))
        self._kept.move_to_end(search)
        found = await kept.gather(client, lock, call)
        narrowed = [one for one in self._kept if one.parameters]
        while sum(self._kept[one].count for one in narrowed) > MOST_KEPT:
            del self._kept[narrowed.pop(0)]
        return found


class _TooMany(Exception):
    """Control flow, no error: there are more records than are kept."""


class _Kept:
    """The records of a search by id; by `Type/id` what came with them, and a record that refers to it.

    Nothing is kept of a few records, which one request reads anew, nor where a reading left something to say
    (that a name is missing): the next may mend it.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._one_at_a_time = anyio.Lock()
        self._too_many = False
        self._forget()

    def _forget(self) -> None:
        kind = self._search.resource_type
        self._snapshot = Snapshot([kind], {kind: self._search.includes}, self._search.parameters)
        self._records: dict[str, Resource] = {}
        self._included: dict[str, Resource] = {}
        self._referring: dict[str, Resource] = {}

    @property
    def count(self) -> int:
        """How many records are kept."""
        return len(self._records)

    async def gather(self, client: FhirClient, lock: PatientLock, call: Call) -> Gathered:
        """The records as they are now, in dicts and lists of their own."""
        async with self._one_at_a_time:
            try:
                if not self._too_many:
                    return await self._refreshed(client, lock, call)
            except _TooMany:
                self._too_many = True
                self._forget()
            except BaseException:  # the snapshot may be ahead of the records
                self._forget()
                raise
        return await gather(client, [self._search], lock, call)

    async def _refreshed(self, client: FhirClient, lock: PatientLock, call: Call) -> Gathered:
        kind = self._search.resource_type
        if self._included and not await self._still_included(client, lock, call):
            self._forget()

        async def receive(records: list[Resource], included: dict[str, Resource]) -> None:
            self._records |= {one["id"]: _without_bytes(one) for one in records}
            if len(self._records) > MOST_KEPT:
                raise _TooMany
            if included:
                self._included |= included
                self._referring |= await to_thread.run_sync(
                    _referring, records, included, lock.patient, client.base
                )

        changes = await self._snapshot.refresh(client, lock, call, receive)
        for ref in changes.removed:
            self._records.pop(ref.removeprefix(f"{kind}/"), None)
        found = Gathered(
            {kind: [*self._records.values()]}, {**self._included}, changes.notes, changes.complete
        )
        if changes.notes or not changes.complete or len(self._records) <= FEW:
            self._forget()
        return found

    async def _still_included(self, client: FhirClient, lock: PatientLock, call: Call) -> bool:
        """Whether all that came with the records can be read again; it then stands as it is now."""
        for record in {one["id"]: one for one in self._referring.values()}.values():
            lock.admit(deepcopy(record))  # which changes it, while other calls may be reading it
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for ref in self._included:
            ids[ref.partition("/")[0]].append(ref.partition("/")[2])
        found: list[Resource] = []
        try:
            for kind, named in ids.items():
                if in_compartment(kind):
                    found += (await gather_by_id(client, Search(kind), named, lock, call)).resources
                    continue
                for start in range(0, len(named), _IDS_AT_ONCE):
                    found += await client.referred(kind, named[start : start + _IDS_AT_ONCE], lock, call)
        except FhirToolError:
            return False
        now = {f"{one['resourceType']}/{one['id']}": one for one in found}
        if now.keys() != self._included.keys():
            return False
        self._included = now
        return True


def _without_bytes(record: Resource) -> Resource:
    """The record without what is too much to keep of a report or a document, and stands in no row."""
    if record["resourceType"] not in SMALLER_PAGES:
        return record
    light = {name: value for name, value in record.items() if name != "text"}
    if "presentedForm" in record:
        light["presentedForm"] = [_described(form) for form in objects(record["presentedForm"])]
    if "content" in record:
        light["content"] = [
            {**one, "attachment": _described(first(one.get("attachment")))}
            for one in objects(record["content"])
        ]
    return light


def _described(attachment: Resource) -> Resource:
    return {name: value for name, value in attachment.items() if name != "data"}


def _referring(
    records: list[Resource], included: dict[str, Resource], patient: str, base: str
) -> dict[str, Resource]:
    """One of the records that refer to each of these, as far as they do."""
    lock = PatientLock(patient, base)
    for record in records:
        lock.admit(record)
    by_ref = {f"{one['resourceType']}/{one['id']}": one for one in records}
    return {ref: by_ref[by] for ref in included if (by := lock.referrer(ref)) in by_ref}
