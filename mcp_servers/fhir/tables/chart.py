"""One patient's tables, kept up to date with the chart, and what a SELECT finds in them."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
from rapidfuzz import process as fuzzy

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts.elements import entered_in_error
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, ServerFailed
from mcp_servers.fhir.reading.snapshot import Snapshot
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tables.process import Ended, Message, TablesProcess

Resource = dict[str, Any]
Row = dict[str, Any]

LIMIT_S = 5.0
# Records that are put into the tables at a time: to put one takes as long as to put five hundred.
_TOGETHER = 2000
_INCLUDES = {
    kind: (f"{kind}:medication",)
    for kind in ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")
}
_UNKNOWN_COLUMN = re.compile(r'column "([^"]{1,80})" not found|does not have a column named "([^"]{1,80})"')
# What DuckDB says of the statement itself; other errors may quote values of the chart.
_OF_THE_STATEMENT = frozenset({"ParserException", "BinderException", "CatalogException", "SyntaxException"})


class Selected(NamedTuple):
    """What a statement found: rows with verified references, how many there are, and what to know of them
    (`notes`) and of the tables (`reading`).

    `total` is None when it cannot be told; `more` says that there are rows beside these.
    """

    rows: list[Row]
    total: int | None
    more: bool
    nothing_recorded: bool
    notes: list[str]
    reading: list[str]


@dataclass
class _Records:
    """The records in the tables of one type, and those that are left out as entered in error."""

    kept: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)


class ChartTables:
    """The tables of one patient, filled type by type as statements ask for them."""

    def __init__(self) -> None:
        self._turn = anyio.Lock()
        self._forget()

    def _forget(self) -> None:
        self._process: TablesProcess | None = None
        self._type_of: dict[str, str] = {}
        self._snapshot = Snapshot(())
        self._records: dict[str, _Records] = {}

    async def select(
        self, client: FhirClient, lock: PatientLock, call: Call, sql: str, *, limit: int, now: str
    ) -> Selected:
        """The first `limit` rows that a SELECT finds in the chart as it is now.

        Raises InvalidRequest for a statement that is not allowed, cannot be read or takes too much, and what
        FhirClient.search raises.
        """
        async with self._turn:
            if self._process is not None and not self._process.alive:
                self._forget()
            try:
                process = self._process or await self._start()
                tables = self._checked(await process.ask({"do": "check", "sql": sql}, seconds=LIMIT_S))
                reading, complete = await self._refresh(
                    process, sorted({self._type_of[t] for t in tables}), client, lock, call
                )
                asked = {"do": "query", "sql": sql, "limit": limit, "now": now}
                reply = await process.ask(asked, seconds=LIMIT_S)
                columns = await _columns(process, tables) if "error" in reply else {}
            except Ended:
                self._forget()
                raise InvalidRequest(
                    "This statement needs more memory or time than it may take: filter first, select less."
                ) from None
            _raise_for(reply, columns)
            found = self._selected(reply, tables, reading)
            if not found.nothing_recorded and not any(v for row in found.rows for v in row.values()):
                found.notes.extend(await self._told(process, "hints", sql, tables))
            elif "observation" in tables:
                found.notes.extend(await self._told(process, "units", sql, tables))
            return found if complete else found._replace(total=None)

    async def _told(self, process: TablesProcess, what: str, sql: str, tables: list[str]) -> list[str]:
        try:
            reply = await process.ask({"do": what, "sql": sql, "tables": tables}, seconds=LIMIT_S)
        except Ended:
            self._forget()
            return []
        told: list[str] = reply.get(what, [])
        return told

    async def _start(self) -> TablesProcess:
        process = await anyio.to_thread.run_sync(TablesProcess)
        try:
            types = (await process.ask({"do": "types"}))["types"]
        except Ended:
            raise ServerFailed(
                "The chart's tables cannot be opened on this computer; use the other tools."
            ) from None
        self._type_of = {table: kind for kind, tables in types.items() for table in tables}
        self._snapshot = Snapshot(types, _INCLUDES)
        self._records = {kind: _Records() for kind in types}
        self._process = process
        return process

    async def _refresh(
        self, process: TablesProcess, kinds: list[str], client: FhirClient, lock: PatientLock, call: Call
    ) -> tuple[list[str], bool]:
        """Bring the tables of these types up to date, all or none: notes, and whether all could be read."""
        seen: list[tuple[str, str, bool]] = []
        waiting: dict[str, Resource] = {}
        begun = False

        async def write(what: Message, payload: Any = None) -> None:
            nonlocal begun
            if not begun:  # most of the time nothing has changed
                begun = True
                _expect(await process.ask({"do": "begin"}))
            _expect(await process.ask(what, payload))

        async def put() -> None:
            if waiting:
                together = [*waiting.values()]
                waiting.clear()
                await write({"do": "put"}, together)

        async def receive(records: list[Resource], included: dict[str, Resource]) -> None:
            good = {f"{r['resourceType']}/{r['id']}": r for r in records if not entered_in_error(r)}
            bad = [f"{r['resourceType']}/{r['id']}" for r in records if entered_in_error(r)]
            seen.extend((ref.partition("/")[0], ref, True) for ref in good)
            seen.extend((ref.partition("/")[0], ref, False) for ref in bad)
            waiting.update(good)
            waiting.update(
                (ref, r) for ref, r in included.items() if good and r["resourceType"] == "Medication"
            )
            if bad or len(waiting) >= _TOGETHER:
                await put()
            if bad:
                await write({"do": "remove", "refs": bad})

        try:
            try:
                changes = await self._snapshot.refresh(client, lock, call, only=kinds, receive=receive)
            except FhirToolError:
                if begun:
                    _expect(await process.ask({"do": "rollback"}))
                raise
            await put()
            if changes.removed:
                await write({"do": "remove", "refs": changes.removed})
            if begun:
                _expect(await process.ask({"do": "commit"}))
        except FhirToolError:
            raise
        except Ended:
            self._forget()
            raise ServerFailed(
                "The chart's tables were lost while they were filled; ask again, of fewer tables at once,"
                " or use the other tools."
            ) from None
        except BaseException:
            self._forget()
            raise
        self._note(seen, changes.removed)
        withdrawn = sum(len(self._records[kind].withdrawn) for kind in kinds)
        left_out = [f"Left out as entered in error: {withdrawn}."] if withdrawn else []
        return [*changes.notes, *left_out], changes.complete

    def _note(self, seen: list[tuple[str, str, bool]], removed: list[str]) -> None:
        """Remember which records are in the tables now, and which were left out."""
        for kind, ref, good in seen:
            records = self._records[kind]
            (records.kept if good else records.withdrawn).add(ref)
            (records.withdrawn if good else records.kept).discard(ref)
        for ref in removed:
            records = self._records[ref.partition("/")[0]]
            records.kept.discard(ref)
            records.withdrawn.discard(ref)

    def _checked(self, reply: Message) -> list[str]:
        if "unknown_table" in reply:
            name = str(reply["unknown_table"])[:80]
            there = sorted(self._type_of)
            near = ", ".join(_near(name, there))
            raise InvalidRequest(
                f"There is no table `{name}`{f'; near to it: {near}' if near else ''}."
                f" There are {', '.join(there)}."
            )
        _raise_for(reply, {})
        tables: list[str] = reply["tables"]
        return tables

    def _selected(self, reply: Message, tables: list[str], reading: list[str]) -> Selected:
        columns: list[str] = reply["columns"]
        known = set().union(*(self._records[self._type_of[table]].kept for table in tables))
        rows = [
            {n: v for n, v in zip(columns, values, strict=True) if v is not None} for values in reply["rows"]
        ]
        total = reply["total"]
        if total == 1 and not any(rows):  # what sums up nothing is a row without a value
            rows, total = [], 0
        kept = max(
            (len(row[n]) - 1 for row in rows for n in ("ref", "refs") if _is_cut(row.get(n))), default=0
        )
        unverified = [_verify(row, known) for row in rows]
        notes: list[str] = []
        if not rows and known:
            notes.append(
                "No rows: the chart may hold it in other words, under another code or in another table."
            )
        if kept:
            notes.append(f"Of the references in a row the first {kept} are kept; count(*) counts them all.")
        if any(unverified):
            notes.append(
                "What stood under ref or refs and is no reference to a record in the tables is left out."
            )
        if rows and not {"ref", "refs"} & set(columns):
            notes.append("To cite these rows, select ref, or list(ref) AS refs where records are summed up.")
        return Selected(
            rows, total, total is None or total > len(rows), bool(tables) and not known, notes, reading
        )


def _raise_for(reply: Message, columns_of: dict[str, list[str]]) -> None:
    """Raise InvalidRequest, with what to do next, when a reply says that a statement failed.

    `columns_of` are those of the tables that the statement reads.
    """
    if "refused" in reply:
        raise InvalidRequest(reply["refused"])
    if "interrupted" in reply:
        raise InvalidRequest(
            f"The statement took over {LIMIT_S:g} seconds; filter first, and join on ref or encounter_id."
        )
    if "out_of_memory" in reply:
        raise InvalidRequest(
            "The statement needs more memory than it may take; filter first, and do not cross tables."
        )
    if "error" not in reply:
        return
    said = " ".join(
        re.split(r"\n\nLINE|Candidate (?:bindings|functions)", str(reply["error"]), maxsplit=1)[0].split()
    )
    if "VARCHAR[]" in said:
        raise InvalidRequest(
            "A list (codes, result_ids) is not compared as a text is: list_contains(codes, '4548-4')."
        )
    if reply["kind"] not in _OF_THE_STATEMENT:
        raise InvalidRequest(
            "The statement fails on a value, in the chart or its own: use TRY_CAST, and DATE '...' for dates."
        )
    if reply["kind"] == "ParserException":
        told = said.removeprefix("Parser Error: ")[:400]
        raise InvalidRequest(f"The statement cannot be read as SQL ({told}); write one SELECT.")
    columns = "".join(f" {table} has {', '.join(names)}." for table, names in columns_of.items())
    unknown = _UNKNOWN_COLUMN.search(said)
    if unknown:
        name = unknown[1] or unknown[2]
        near = _near(name, sorted({column for names in columns_of.values() for column in names}))
        nearest = f"; near to it: {', '.join(near)}" if near else ""
        raise InvalidRequest(f"There is no column `{name}`{nearest}.{columns}")
    raise InvalidRequest(f"{said[:400]}{columns if 'Binder' in said else ''}")


async def _columns(process: TablesProcess, tables: list[str]) -> dict[str, list[str]]:
    described = (await process.ask({"do": "describe"}))["tables"]
    return {table: [name for name, _ in described[table]] for table in tables}


def _verify(row: Row, known: set[str]) -> bool:
    """Put the row's references first, without those that are not `known`; whether there were such.

    A statement can write anything under `ref`, and what stands there counts as evidence.
    """
    stated = [value for name in ("ref", "refs") for value in _listed(row.get(name))]
    good = [ref for ref in dict.fromkeys(stated) if ref in known]
    several = "refs" in row or isinstance(row.get("ref"), list)
    rest = {name: value for name, value in row.items() if name not in ("ref", "refs")}
    row.clear()
    if several:
        row["refs"] = good
    elif good:
        row["ref"] = good[0]
    row.update(rest)
    return len(good) < len(set(stated))


def _listed(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item) for item in (items[:-1] if _is_cut(value) else items)]


def _is_cut(value: Any) -> bool:
    """Whether the worker cut a list of references, and says so in its last item."""
    return isinstance(value, list) and bool(value) and str(value[-1]).startswith("(and ")


def _near(name: str, known: list[str]) -> list[str]:
    return [found for found, _, _ in fuzzy.extract(name.lower(), known, limit=3, score_cutoff=60)]


def _expect(reply: Message) -> None:
    """A request of ours that fails leaves the tables in no known state. Raises Ended."""
    if reply:
        raise Ended
