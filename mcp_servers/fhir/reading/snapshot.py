"""Keeping up with a chart: which of a patient's records are new, changed or gone since they were read."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import FilterIgnored, InvalidRequest
from mcp_servers.fhir.reading.gathering import PAGE_SIZE, at_once
from mcp_servers.fhir.reading.paging import Tally, each_page
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]
# Takes what one page brought: new or changed records, and what came with them by `Type/id`. One that changes
# while it is read can come again, and one that was just taken can be told as removed.
Receive = Callable[[list[Resource], dict[str, Resource]], Awaitable[None]]

# Records that carry attachments: a page of them must stay within what the transport takes.
SMALLER_PAGES = {"DocumentReference": 50, "DiagnosticReport": 50}
# So few records are read anew with one request; to count them and ask for changes takes two.
FEW = 20
# What a transaction wrote may be seen this much later than the time that it stands under.
_SEEN_LATE = timedelta(seconds=30)
# How a server answers that does not search by a parameter.
NOT_SEARCHED = (InvalidRequest, FilterIgnored)


@dataclass
class Changes:
    """What else happened to a chart since the last refresh, beside records that are new or changed.

    `removed` names what is gone as `Type/id`. `complete` is false when something could not be read whole,
    which a note then says.
    """

    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True


class _Version(NamedTuple):
    """What tells one state of a record from the next: `meta.lastUpdated` and `meta.versionId`."""

    updated: str
    number: str


class _Seen(NamedTuple):
    """The records of a type by id, as they were last read, how many the server counted then, what to note.

    `since` is from when on it is asked what changed. It is None where all are read anew each time: when so
    few are there, or one has no `meta.lastUpdated` that can be read, or the server's count does not add up.
    """

    versions: dict[str, _Version]
    total: int | None
    notes: list[str]
    since: datetime | None


class Snapshot:
    """Which records of a patient's chart, of some types, were read, and when they last changed.

    It keeps ids and versions, no records: what is derived of them is the caller's to keep. One refresh at a
    time: the caller holds a lock around a refresh and what it does with the changes, and begins with a new
    Snapshot when the latter fails. `includes` are values of `_include` by type; what they bring is read
    again only together with a record that refers to it. `parameters` narrow every search: a record that
    fits them no longer is gone.
    """

    def __init__(
        self,
        types: Iterable[str],
        includes: Mapping[str, tuple[str, ...]] | None = None,
        parameters: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._types = tuple(types)
        self._includes = includes or {}
        self._parameters = tuple(parameters)
        self._seen: dict[str, _Seen] = {}

    async def refresh(
        self,
        client: FhirClient,
        lock: PatientLock,
        call: Call,
        receive: Receive,
        *,
        only: Iterable[str] | None = None,
    ) -> Changes:
        """What changed since the last refresh; the first one reads everything.

        `only` narrows it to some of the types. New and changed records, fit to show, entered in error or not,
        are handed on page by page as they arrive, so that a long chart never stands in memory whole. Raises
        what FhirClient.search and `receive` raise; the Snapshot is then as it was before.
        """
        capability = await client.capability(call)
        changes = Changes()
        readings: list[_Reading] = []
        for kind in self._types if only is None else only:
            if kind not in capability.parameters:
                changes.notes.append(f"This server holds no {kind}.")
                continue
            includes = [("_include", one) for one in self._includes.get(kind, ())]
            readings.append(_Reading(client, lock, call, kind, self._parameters, includes, receive))
        jobs = [partial(reading.follow, self._seen.get(reading.kind)) for reading in readings]
        for reading, seen in zip(readings, await at_once(jobs), strict=True):
            self._seen[reading.kind] = seen
            changes.removed.extend(reading.removed)
            changes.notes.extend(note for note in seen.notes if note not in changes.notes)
            changes.complete = changes.complete and reading.complete
        return changes


@dataclass
class _Reading:
    """How the records of one type are asked for, and where they go.

    `held` are the versions of those that `receive` has by now, by id; `removed` names those of them that are
    gone, `complete` says whether all could be read.
    """

    client: FhirClient
    lock: PatientLock
    call: Call
    kind: str
    parameters: tuple[tuple[str, str], ...]
    includes: list[tuple[str, str]]
    receive: Receive
    held: dict[str, _Version] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    complete: bool = True

    async def follow(self, before: _Seen | None) -> _Seen:
        """The type as it is now. What changed is asked for; when the count then differs, all is read."""
        self.held = dict(before.versions) if before else {}
        return (before and await self._recent(before)) or await self._anew()

    async def _recent(self, before: _Seen) -> _Seen | None:
        """`before` and what came after it; None when that cannot be told, or is not all that happened."""
        without = (await self.client.capability(self.call)).without_last_updated
        if before.since is None or before.total is None or self.kind in without:
            return None
        total = await self.client.count(self.kind, self.parameters, self.lock, self.call)
        try:
            recent = await self._read(written_since(before.since))
        except NOT_SEARCHED:
            without.add(self.kind)
            return None
        if not recent.adds_up or total != before.total + len(self.held) - len(before.versions):
            return None
        notes = [*before.notes, *(note for note in recent.notes if note not in before.notes)]
        since = moment(recent.as_of) or (before.since if self.held == before.versions else _newest(self.held))
        return _Seen(self.held, total, notes, since)

    async def _anew(self) -> _Seen:
        everything = await self._read()
        gone = self.held.keys() - everything.ids
        self.removed = [f"{self.kind}/{one}" for one in sorted(gone)]
        self.complete = everything.complete
        versions = {one: version for one, version in self.held.items() if one not in gone}
        newest = _newest(versions) if everything.adds_up and len(versions) > FEW else None
        since = newest and (moment(everything.as_of) or newest)
        return _Seen(versions, everything.total, everything.notes, since)

    async def _read(self, *more: tuple[str, str]) -> Tally:
        """Read all that a search finds; of its records, those whose version is not held are handed on."""
        count = SMALLER_PAGES.get(self.kind, PAGE_SIZE)
        asked = [*self.parameters, *more, *self.includes]
        pages = each_page(self.client, self.kind, asked, self.lock, self.call, count=count, begin=Tally)
        async with aclosing(pages):
            async for page, tally in pages:  # noqa: B007 - the last one is the result
                versions = {str(resource["id"]): _version(resource) for resource in page.matches}
                changed = {
                    r["id"]: r for r in page.matches if not _same(versions[r["id"]], self.held.get(r["id"]))
                }
                self.held.update(versions)
                await self.receive(list(changed.values()), page.included)
        return tally


def _version(resource: Resource) -> _Version:
    meta = resource.get("meta")
    stated = meta if isinstance(meta, dict) else {}
    return _Version(str(stated.get("lastUpdated", "")), str(stated.get("versionId", "")))


def _same(now: _Version, before: _Version | None) -> bool:
    """Whether a record did not change; one that does not say when it was changed may have."""
    return bool(now.updated) and now == before


def _newest(versions: dict[str, _Version]) -> datetime | None:
    """When a record was changed last; None where one of them does not tell."""
    moments = [moment(version.updated) for version in versions.values()]
    return max((known for known in moments if known), default=None) if all(moments) else None


def moment(text: str | None) -> datetime | None:
    """The time of a FHIR instant; None where there is none that can be read."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else None


def written_since(then: datetime) -> tuple[str, str]:
    """The search parameter for what was written since then, or a little before and seen only now."""
    return "_lastUpdated", f"ge{(then - _SEEN_LATE).isoformat(timespec='milliseconds')}"
