"""Whole-chart reads: every page of several searches, so that no answer is computed from a first page."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.errors import NotPermitted, ServerFailed
from mcp_servers.fhir.reading.paging import Pages, read_pages
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]
T = TypeVar("T")
# Why types were not read: the server refused, or it failed.
Unanswered = dict[str, NotPermitted | ServerFailed]

# What is read of one type before it is said that others may match.
MAX_RESOURCES = 60_000
PAGE_SIZE = 200
_AT_ONCE = 4
_IDS_AT_ONCE = 100


@dataclass
class Gathered:
    """The patient's records that several searches found, once each.

    `included` holds by `Type/id` what came with them. `complete` is false when a search was cut short.
    `unanswered` are types that were not read.
    """

    by_type: dict[str, list[Resource]] = field(default_factory=dict)
    included: dict[str, Resource] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    unanswered: Unanswered = field(default_factory=dict)

    @property
    def resources(self) -> list[Resource]:
        """All records, by type in the order of the searches."""
        return [resource for resources in self.by_type.values() for resource in resources]

    def merge(self, part: "Gathered") -> None:
        """Take in what another search found."""
        for kind, resources in part.by_type.items():
            held = self.by_type.setdefault(kind, [])
            known = {resource["id"] for resource in held}
            held.extend(resource for resource in resources if resource["id"] not in known)
        self.included.update(part.included)
        self.notes.extend(note for note in part.notes if note not in self.notes)
        self.complete = self.complete and part.complete
        self.unanswered |= part.unanswered


async def gather(client: FhirClient, searches: Iterable[Search], lock: PatientLock, call: Call) -> Gathered:
    """All that `searches` find in the patient's chart. Raises what FhirClient.search raises.

    Types that the server does not hold are passed over, with a note.
    """
    capability = await client.capability(call)
    gathered = Gathered()
    wanted: list[Search] = []
    for search in searches:
        gathered.by_type.setdefault(search.resource_type, [])
        if search.resource_type in capability.parameters:
            wanted.append(search)
        else:
            gathered.notes.append(f"This server holds no {search.resource_type}.")
    for part in await at_once([partial(_all_pages, client, search, lock, call) for search in wanted]):
        gathered.merge(part)
    return gathered


async def gather_by_id(
    client: FhirClient, search: Search, ids: Iterable[str], lock: PatientLock, call: Call
) -> Gathered:
    """Of the records with these ids, those that `search` finds. Raises what FhirClient.search raises."""
    named = sorted(ids)
    parts = [named[start : start + _IDS_AT_ONCE] for start in range(0, len(named), _IDS_AT_ONCE)]
    searches = [search._replace(parameters=(*search.parameters, ("_id", ",".join(part)))) for part in parts]
    return await gather(client, searches, lock, call)


async def gather_answered(
    client: FhirClient, searches: Iterable[Search], lock: PatientLock, call: Call
) -> Gathered:
    """As `gather`, of the types that the server answers; the others are `unanswered`."""
    jobs = [(search.resource_type, partial(gather, client, [search], lock, call)) for search in searches]
    parts, unanswered = await each_answered(jobs)
    gathered = Gathered(complete=not unanswered, unanswered=unanswered)
    for part in filter(None, parts):
        gathered.merge(part)
    return gathered


async def each_answered(
    jobs: Sequence[tuple[str, Callable[[], Awaitable[T]]]],
) -> tuple[list[T | None], Unanswered]:
    """The results of jobs, as `at_once`, that ask for a type each: None where the server does not answer."""
    unanswered: Unanswered = {}

    async def run(kind: str, job: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await job()
        except (NotPermitted, ServerFailed) as error:
            unanswered[kind] = error
            return None

    return await at_once([partial(run, kind, job) for kind, job in jobs]), unanswered


def not_read(unanswered: Unanswered) -> list[str]:
    """Notes that name the types that the server refused, and those that it failed to answer, and why."""
    notes: list[str] = []
    for said, of in (("Not permitted", NotPermitted), ("Failed", ServerFailed)):
        errors = {kind: str(error) for kind, error in sorted(unanswered.items()) if isinstance(error, of)}
        if errors:
            notes.append(
                f"{said}, so not read: {', '.join(errors)}. {' '.join(dict.fromkeys(errors.values()))}"
            )
    return notes


def check_answered(unanswered: Unanswered) -> None:
    """Where nothing was found: raise the error of what was not read, for it may hold something."""
    for _, error in sorted(unanswered.items()):
        raise type(error)(" ".join([*not_read(unanswered), "Elsewhere nothing was found."]))


async def at_once(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of all jobs in their order, a few of them under way at a time.

    Raises the first error, bare and not in a group; the other jobs are then given up.
    """
    found: dict[int, T] = {}
    errors: list[Exception] = []
    turns = anyio.CapacityLimiter(_AT_ONCE)

    async def run(number: int) -> None:
        async with turns:
            try:
                found[number] = await jobs[number]()
            except Exception as error:
                errors.append(error)
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for number in range(len(jobs)):
            group.start_soon(run, number)
    if errors:
        raise errors[0]
    return [found[number] for number in range(len(jobs))]


async def _all_pages(client: FhirClient, search: Search, lock: PatientLock, call: Call) -> Gathered:
    kind = search.resource_type
    parameters = [*search.parameters, *(("_include", value) for value in search.includes)]
    pages = await read_pages(client, kind, parameters, lock, call, count=PAGE_SIZE, enough=too_many)
    notes = list(pages.notes)
    if pages.more:
        notes.append(f"Only the first {len(pages.matches)} {kind} records were read; others may match.")
    return Gathered(
        {kind: list(pages.matches.values())}, pages.included, notes, pages.complete and not pages.more
    )


def too_many(pages: Pages) -> bool:
    """Whether no more records of a type are read than these."""
    return len(pages.matches) >= MAX_RESOURCES


def one_page(_: Pages) -> bool:
    """Enough is what the first page holds."""
    return True
