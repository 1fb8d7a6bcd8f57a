"""All pages of a search, read to the end and checked for whether they add up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mcp_servers.fhir.access.client import FhirClient, Page
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.transport import MEBIBYTE
from mcp_servers.fhir.errors import SearchExpired, ServerFailed
from mcp_servers.fhir.recording import Call

Resource = dict[str, Any]

# What one call may hold of the server's answers: as Python objects it is some five times as much.
MAX_BYTES = 128 * MEBIBYTE


@dataclass
class Pages:
    """What the pages of one search hold so far: each record once, by id in the server's order.

    `total` is what the server counted last, or what was read to the end. `more` says that others follow which
    were not read, `complete` that none is missing as far as the server's own words show. `as_of` is when it
    made the first page.
    """

    matches: dict[str, Resource] = field(default_factory=dict)
    included: dict[str, Resource] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    total: int | None = None
    more: bool = False
    complete: bool = True
    in_order: bool = True
    as_of: str | None = None
    _withheld: int = 0
    _repeated: int = 0

    def add(self, page: Page, kind: str, asked: int) -> None:
        """The next page of the search for `kind`, where `asked` was its `_count`."""
        first = not (self.matches or self._withheld or self._repeated)
        if None not in (self.total, page.total) and page.total != self.total:
            self._note(
                f"The chart changed while it was read: the server counted {self.total} {kind} records, then"
                f" {page.total}. Ask again to be sure."
            )
        self.as_of = self.as_of or page.as_of
        self.total = page.total if page.total is not None else self.total
        self._withheld += page.withheld
        new = {resource["id"]: resource for resource in page.matches}
        self._repeated += len(page.matches) - len(new.keys() - self.matches.keys())
        self.matches.update(new)
        self.included.update(page.included)
        self.in_order = self.in_order and page.in_order
        self.more = page.next is not None
        for note in page.notes:
            self._note(note)
        if not self.more:
            found = len(page.matches) + page.withheld
            self._end(kind, full=first and page.total is None and found >= asked)

    def _end(self, kind: str, *, full: bool) -> None:
        """What the last page shows. `full`: it is the only one, without a total, and as long as asked for."""
        read = len(self.matches) + self._withheld
        if self._repeated:
            self._note(f"The server sent {self._repeated} {kind} records twice; each is counted once.")
        if self.total is not None and read < self.total:
            self.complete = False
            self._note(f"The server counts {self.total} {kind} records, and sent {read}: others are missing.")
        elif full:
            self.complete = False
            self._note(f"The server sent {read} {kind} records and does not say whether others match.")
        elif self.total is None:
            self.total = read

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


async def read_pages(
    client: FhirClient,
    kind: str,
    parameters: Iterable[tuple[str, str]],
    lock: PatientLock | None,
    call: Call,
    *,
    count: int,
    enough: Callable[[Pages], bool],
) -> Pages:
    """The pages of a search until there are `enough`, or as much as memory allows; `count` records on each.

    A search that expires on the server is begun again, once. Raises what FhirClient.search raises.
    """
    asked = list(parameters)

    async def read() -> Pages:
        pages = Pages()
        page = await client.search(kind, asked, lock, call, count=count)
        pages.add(page, kind, count)
        while page.next is not None and not enough(pages) and client.bytes_read(call) < MAX_BYTES:
            page = await client.next_page(page.next, lock, call)
            pages.add(page, kind, count)
        return pages

    try:
        return await read()
    except SearchExpired:
        pass
    try:
        return await read()
    except SearchExpired:
        raise ServerFailed(
            "The FHIR server forgets a search before all of it is read; ask for less at a time."
        ) from None
