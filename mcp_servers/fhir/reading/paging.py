"""All pages of a search, read to the end and checked for whether they add up."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio.lowlevel

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.transport import MEBIBYTE
from mcp_servers.fhir.errors import InvalidRequest, SearchExpired, ServerFailed
from mcp_servers.fhir.reading.medications import Medications
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]

# What one call may hold of the server's answers: as Python objects it is some five times as much.
MAX_BYTES = 128 * MEBIBYTE


@dataclass
class Tally:
    """What the pages of one search add up to so far; the records themselves are not held.

    `ids` are those of the records, each once. `total` is what the server counted last. `more` says that other
    pages follow which were not read, `complete` that no record is missing as far as the server's own words
    show, `steady` that its count stayed the same. `as_of` is when it made the first page.
    """

    ids: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    total: int | None = None
    more: bool = False
    complete: bool = True
    steady: bool = True
    in_order: bool = True
    as_of: str | None = None
    _withheld: int = 0
    _repeated: int = 0

    @property
    def read(self) -> int:
        """How many records the server sent."""
        return len(self.ids) + self._withheld

    @property
    def adds_up(self) -> bool:
        """Whether the server counted what it sent, and no differently on the way."""
        return self.steady and self.total == self.read

    def add(self, page: Page, kind: str, asked: int) -> None:
        """The next page of the search for `kind`, where `asked` was its `_count`."""
        first = not (self.read or self._repeated)
        if None not in (self.total, page.total) and page.total != self.total:
            self.steady = False
            self._note(
                f"The chart changed while it was read: the server counted {self.total} {kind} records, then"
                f" {page.total}. Ask again to be sure."
            )
        self.as_of = self.as_of or page.as_of
        self.total = page.total if page.total is not None else self.total
        self._withheld += page.withheld
        new = {resource["id"] for resource in page.matches} - self.ids
        self._repeated += len(page.matches) - len(new)
        self.ids |= new
        self.in_order = self.in_order and page.in_order
        self.more = page.next is not None
        for note in page.notes:
            self._note(note)
        if not self.more:
            found = len(page.matches) + page.withheld
            self._end(kind, full=first and page.total is None and found >= asked)

    def _end(self, kind: str, *, full: bool) -> None:
        """What the last page shows. `full`: it is the only one, without a total, and as long as asked for."""
        if self._repeated:
            self._note(f"The server sent {self._repeated} {kind} records twice; each is counted once.")
        if self.total is not None and self.read < self.total:
            self.complete = False
            self._note(
                f"The server counts {self.total} {kind} records, and sent {self.read}: others are missing."
            )
        elif full:
            self.complete = False
            self._note(f"The server sent {self.read} {kind} records and does not say whether others match.")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


@dataclass
class Pages(Tally):
    """What the pages of one search hold so far: each record once, by id in the server's order.

    `total` is what the server counted last, or what was read to the end.
    """

    matches: dict[str, Resource] = field(default_factory=dict)
    included: dict[str, Resource] = field(default_factory=dict)

    def add(self, page: Page, kind: str, asked: int) -> None:
        """The next page of the search for `kind`, where `asked` was its `_count`."""
        super().add(page, kind, asked)
        self.matches.update((resource["id"], resource) for resource in page.matches)
        self.included.update(page.included)
        if self.total is None and self.complete and not self.more:
            self.total = self.read


T = TypeVar("T", bound=Tally)


async def each_page(
    client: FhirClient,
    kind: str,
    parameters: Iterable[tuple[str, str]],
    lock: PatientLock | None,
    call: Call,
    *,
    count: int,
    begin: Callable[[], T],
    total: bool = True,
) -> AsyncGenerator[tuple[Page, T], None]:
    """The pages of a search with what they add up to; `count` records on each. Close it (`aclosing`).

    Without `total` the server need not count what is behind the first page.
    Of `_include` only what the server has is asked for, and nothing where it refuses that; Medications by
    which records are to be named are then read by themselves. A search that expires on the server is begun
    again, once: with another of what `begin` makes, and records that came before. Raises what
    FhirClient.search raises.
    """
    wanted = list(parameters)
    capability = await client.capability(call)
    asked = [(n, value) for n, value in wanted if n != "_include" or capability.has_include(value)]
    beside = Medications(client, lock, call) if ("_include", f"{kind}:medication") in wanted else None
    for again in (False, True):
        so_far = begin()
        try:
            page = await _first_page(client, kind, asked, lock, call, count=count, total=total)
            while True:
                if beside:
                    await beside.complete(page)
                so_far.add(page, kind, count)
                yield page, so_far
                if page.next is None:
                    return
                await anyio.lowlevel.checkpoint()  # a store in this process answers without giving way
                page = await client.next_page(page.next, lock, call)
        except SearchExpired:
            if again:
                raise ServerFailed(
                    "The FHIR server forgets a search before all of it is read; ask for less at a time."
                ) from None


async def _first_page(
    client: FhirClient,
    kind: str,
    asked: list[tuple[str, str]],
    lock: PatientLock | None,
    call: Call,
    *,
    count: int,
    total: bool,
) -> Page:
    """The first page of a search; of one that the server refuses with `_include`, without it."""
    try:
        return await client.search(kind, asked, lock, call, count=count, total=total)
    except InvalidRequest:
        without = [(n, value) for n, value in asked if n != "_include"]
        if without == asked:
            raise
        return await client.search(kind, without, lock, call, count=count, total=total)


async def read_pages(
    client: FhirClient,
    kind: str,
    parameters: Iterable[tuple[str, str]],
    lock: PatientLock | None,
    call: Call,
    *,
    count: int,
    enough: Callable[[Pages], bool],
    total: bool = True,
) -> Pages:
    """The pages of a search until there are `enough`, or as much as memory allows; as `each_page`.

    A search that expires on the server is begun again, once. Raises what FhirClient.search raises.
    """
    each = each_page(client, kind, parameters, lock, call, count=count, begin=Pages, total=total)
    async with aclosing(each):
        async for _, pages in each:
            if not pages.more or enough(pages) or client.bytes_read(call) >= MAX_BYTES:
                break
    return pages
