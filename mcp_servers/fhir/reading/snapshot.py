"""Keeping up with a chart: which of a patient's records are new, changed or gone since they were read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import anyio.lowlevel

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.reading.gathering import PAGE_SIZE, at_once
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]
# Takes what one page brought: new or changed records, and what came with them by `Type/id`.
Receive = Callable[[list[Resource], dict[str, Resource]], Awaitable[None]]

# Records that carry attachments: a page of them must stay within what the transport takes.
_SMALLER_PAGES = {"DocumentReference": 50, "DiagnosticReport": 50}
# So few records are read anew with one request; to count them and ask for changes takes two.
_FEW = 20
_MANY_AT_ONCE = 50


@dataclass
class Changes:
    """What happened to a chart since the last refresh.

    `changed` are the new and changed records, fit to show, entered in error or not; `included` is what came
    with them by `Type/id`; `removed` names what is gone as `Type/id`. `complete` is false when something
    could not be read whole, which a note then says.
    """

    changed: list[Resource] = field(default_factory=list)
    included: dict[str, Resource] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True


class _Version(NamedTuple):
    """What tells one state of a record from the next: `meta.lastUpdated` and `meta.versionId`."""

    updated: str
    number: str


class _Newest(NamedTuple):
    """The last `meta.lastUpdated` of a type, as the server wrote it, and how many records have it."""

    updated: str
    records: int


class _Seen(NamedTuple):
    """The records of a type by id, as they were last read, and how many the server counted then.

    `newest` is None when a record has no `meta.lastUpdated` that can be read, or so few are there that they
    are read anew each time.
    """

    versions: dict[str, _Version]
    total: int | None
    changes: Changes
    newest: _Newest | None = None


class Snapshot:
    """Which records of a patient's chart, of some types, were read, and when they last changed.

    It keeps ids and versions, no records: what is derived of them is the caller's to keep. One refresh at a
    time: the caller holds a lock around a refresh and what it does with the changes, and begins with a new
    Snapshot when the latter fails. `includes` are values of `_include` by type; what they bring is read
    again only together with a record that refers to it.
    """

    def __init__(self, types: Iterable[str], includes: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._types = tuple(types)
        self._includes = includes or {}
        self._seen: dict[str, _Seen] = {}

    async def refresh(
        self,
        client: FhirClient,
        lock: PatientLock,
        call: Call,
        *,
        only: Iterable[str] | None = None,
        receive: Receive | None = None,
    ) -> Changes:
        """What changed since the last refresh; the first one reads everything.

        `only` narrows it to some of the types. With `receive`, records are handed on page by page as they
        arrive, and are not in the answer, so that a long chart never stands in memory whole. Raises what
        FhirClient.search and `receive` raise; the Snapshot is then as it was before.
        """
        capability = await client.capability(call)
        changes = Changes()
        kinds: list[str] = []
        jobs: list[Callable[[], Awaitable[_Seen]]] = []
        for kind in self._types if only is None else only:
            if kind not in capability.parameters:
                changes.notes.append(f"This server holds no {kind}.")
                continue
            includes = [value for value in self._includes.get(kind, ()) if capability.has_include(value)]
            reading = _Reading(client, lock, call, kind, [("_include", value) for value in includes], receive)
            kinds.append(kind)
            jobs.append(partial(reading.follow, self._seen.get(kind)))
        for kind, seen in zip(kinds, await at_once(jobs), strict=True):
            part = seen.changes
            self._seen[kind] = seen._replace(changes=Changes())
            changes.changed.extend(part.changed)
            changes.included.update(part.included)
            changes.removed.extend(part.removed)
            changes.notes.extend(note for note in part.notes if note not in changes.notes)
            changes.complete = changes.complete and part.complete
        return changes


@dataclass(frozen=True)
class _Reading:
    """How the records of one type are asked for, and where they go."""

    client: FhirClient
    lock: PatientLock
    call: Call
    kind: str
    includes: list[tuple[str, str]]
    receive: Receive | None

    async def follow(self, before: _Seen | None) -> _Seen:
        """The type as it is now. What changed is asked for; when the count then differs, all is read."""
        seen = (before and await self._recent(before)) or await self._anew(before.versions if before else {})
        if seen.total is not None and len(seen.versions) < seen.total:
            seen.changes.complete = False
            seen.changes.notes.append(
                f"The server counts {seen.total} {self.kind} records; {len(seen.versions)} could be read."
            )
        return seen

    async def _recent(self, before: _Seen) -> _Seen | None:
        """`before` and what came after it; None when that cannot be told, or is not all that happened."""
        if before.newest is None or before.total is None:
            return None
        # What was loaded in one go was updated at one instant, and is not read again for that: of so many,
        # one that changed once more within the same instant would be missed.
        prefix = "ge" if before.newest.records <= _MANY_AT_ONCE else "gt"
        total = (await self.client.search(self.kind, (), self.lock, self.call, count=1)).total
        recent = await self._read([("_lastUpdated", f"{prefix}{before.newest.updated}")], before.versions)
        if all(before.versions.get(one) == version for one, version in recent.versions.items()):
            return before._replace(changes=recent.changes) if total == before.total else None
        versions = before.versions | recent.versions
        if total != before.total + len(versions) - len(before.versions):
            return None
        return _Seen(versions, total, recent.changes, _newest(versions))

    async def _anew(self, known: dict[str, _Version]) -> _Seen:
        seen = await self._read([], known)
        seen.changes.removed.extend(f"{self.kind}/{one}" for one in known if one not in seen.versions)
        return seen._replace(newest=_newest(seen.versions))

    async def _read(self, parameters: list[tuple[str, str]], known: dict[str, _Version]) -> _Seen:
        """All that a search finds; of its records, those whose version is not `known` are handed on."""
        seen = _Seen({}, None, Changes())
        async for page in self._pages([*parameters, *self.includes]):
            seen = seen._replace(total=page.total if page.total is not None else seen.total)
            versions = {str(resource["id"]): _version(resource) for resource in page.matches}
            changed = [r for r in page.matches if not _same(versions[r["id"]], known.get(r["id"]))]
            seen.versions.update(versions)
            seen.changes.notes.extend(note for note in page.notes if note not in seen.changes.notes)
            if self.receive is not None:
                await self.receive(changed, page.included)
            else:
                seen.changes.changed.extend(changed)
                seen.changes.included.update(page.included)
        return seen

    async def _pages(self, parameters: list[tuple[str, str]]) -> AsyncIterator[Page]:
        count = _SMALLER_PAGES.get(self.kind, PAGE_SIZE)
        page = await self.client.search(self.kind, parameters, self.lock, self.call, count=count)
        yield page
        while page.next is not None:
            await anyio.lowlevel.checkpoint()  # a store in this process answers without giving way
            page = await self.client.next_page(page.next, self.lock, self.call)
            yield page


def _version(resource: Resource) -> _Version:
    meta = resource.get("meta")
    stated = meta if isinstance(meta, dict) else {}
    return _Version(str(stated.get("lastUpdated", "")), str(stated.get("versionId", "")))


def _same(now: _Version, before: _Version | None) -> bool:
    """Whether a record did not change; one that does not say when it was changed may have."""
    return bool(now.updated) and now == before


def _newest(versions: dict[str, _Version]) -> _Newest | None:
    try:
        updated = max((version.updated for version in versions.values()), key=_instant)
    except ValueError:
        return None
    at_once = sum(version.updated == updated for version in versions.values())
    return _Newest(updated, at_once) if len(versions) > _FEW else None


def _instant(text: str) -> datetime:
    """The instant that `text` writes; without an offset it counts as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
