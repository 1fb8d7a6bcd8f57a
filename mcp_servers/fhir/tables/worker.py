"""The process that holds one patient's tables: requests as JSON lines on stdin, answers on stdout.

DuckDB's memory limit does not cover what a scalar function makes (2.0: `repeat('x', 2000000000)` takes 4 GB
under a limit of 256 MB), and such a function cannot be interrupted. So the tables live in a process with a
bounded address space, which can be killed.
"""

import contextlib
import datetime
import decimal
import json
import math
import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from mcp_servers.fhir.tables.statement import (
    PRESENT,
    Refused,
    UnknownTable,
    computing_functions,
    reads_values_without_units,
    tables_read,
    texts_of,
)

HERE = Path(__file__).parent
_ADDRESS_SPACE = 2 * 1024**3
PARTS = "observation_component"
_COUNTED = 10_000
_ANSWER_CHARACTERS = 400_000
_CELL_CHARACTERS = 1500
_CELL_ITEMS = 200
_HINTED = 8  # texts of a statement that are looked for where no row fits

Connection = duckdb.DuckDBPyConnection
Message = dict[str, Any]


def open_tables() -> Connection:
    """A database in memory, yet without tables; what now() gives is set by `set_present`."""
    connection = duckdb.connect(
        config={"python_enable_replacements": False, "autoinstall_known_extensions": False,
                "autoload_known_extensions": False, "memory_limit": "768MB", "threads": 2}
    )  # fmt: skip
    connection.execute("SET temp_directory = ''")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE resource (type VARCHAR, id VARCHAR, json JSON)")
    connection.execute((HERE / "macros.sql").read_text(encoding="utf-8"))
    for name, kind in PRESENT.items():
        # As in the tables: days as they are written, instants in UTC.
        moment = "present_utc" if kind == "TIMESTAMP" else "present"
        connection.execute(f"CREATE MACRO {name}() AS CAST(getvariable('{moment}') AS {kind})")
    connection.execute(
        "CREATE MACRO age(one) AS system.main.age(today()::TIMESTAMP, one::TIMESTAMP),"
        " (one, two) AS system.main.age(one::TIMESTAMP, two::TIMESTAMP)"
    )
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def set_present(connection: Connection, now: str) -> None:
    """Let the statements that follow take `now` (ISO 8601, with its offset) for the present."""
    moment = datetime.datetime.fromisoformat(now)
    for name, one in (("present", moment), ("present_utc", moment.astimezone(datetime.UTC))):
        connection.execute(f"SET VARIABLE {name} = TIMESTAMP '{one:%Y-%m-%d %H:%M:%S}'")


def selects() -> dict[str, str]:
    """The SELECT of each table, by its name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "sql").glob("*.sql"))}


class Worker:
    """What a request does to the tables, each of which is made when it is first asked for."""

    def __init__(self) -> None:
        self.connection = open_tables()
        self._selects = selects()
        self._functions = computing_functions(self.connection)
        self._of_type: dict[str, list[str]] = {}
        self._made: set[str] = set()
        self._whole = threading.Lock()
        for name, text in self._selects.items():
            self._of_type.setdefault(text.removeprefix("-- ").partition(":")[0], []).append(name)

    def answer(self, request: Message, payload: str) -> Message:
        """The answer to one request; raises what DuckDB raises."""
        match request["do"]:
            case "types":
                return {"types": self._of_type}
            case "describe":
                self._make(self._of_type)
                return {"tables": self._columns(), "types": self._of_type}
            case "check":
                found = tables_read(
                    self.connection, request["sql"], frozenset(self._selects), self._functions
                )
                self._make(
                    kind for kind, tables in self._of_type.items() if not set(tables).isdisjoint(found)
                )
                return {"tables": found}
            case "begin" | "commit" | "rollback" as word:
                self.connection.execute(word)
                if word == "rollback":
                    self._made.clear()  # a table may have been made since the beginning
            case "put":
                self._put(payload)
            case "remove":
                for ref in request["refs"]:
                    self._remove([ref], ref.partition("/")[0])
            case "query":
                if "now" in request:
                    set_present(self.connection, request["now"])
                return self._query(request["sql"], request["limit"])
            case "hints":
                return {"hints": self._hints(request["sql"], request["tables"])}
            case "units":
                return {"units": _mixed_units(self.connection, request["sql"])}
        return {}

    def interrupt(self) -> None:
        """Stop the query that runs, if one does; from another thread."""
        with self._whole:
            self.connection.interrupt()

    def _make(self, kinds: Iterable[str]) -> None:
        """The tables of these types, empty where there were none: all of them take a fifth of a second."""
        for kind in kinds:
            for name in set(self._of_type.get(kind, ())) - self._made:
                select = self._selects[name]  # the package's own file
                self.connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS {select}")
                self._made.add(name)

    def _columns(self) -> dict[str, list[list[str]]]:
        rows = self.connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            " ORDER BY table_name, column_index"
        ).fetchall()
        found: dict[str, list[list[str]]] = {}
        for table, column, kind in rows:
            if table in self._selects:
                found.setdefault(table, []).append([column, kind])
        return found

    def _put(self, payload: str) -> None:
        """Bring the tables up to date with some records, and those that they refer to: a JSON array."""
        self.connection.execute("DELETE FROM resource")
        self.connection.execute(
            "INSERT INTO resource SELECT j->>'$.resourceType', j->>'$.id', j"
            " FROM (SELECT unnest(from_json(?, '[\"JSON\"]')) AS j)",
            [payload],
        )
        kinds = self.connection.execute("SELECT DISTINCT type FROM resource").fetchall()
        self._make(kind for (kind,) in kinds)
        for (kind,) in kinds:
            rows = self.connection.execute(
                "SELECT type || '/' || id FROM resource WHERE type = ?", [kind]
            ).fetchall()
            self._remove([ref for (ref,) in rows], kind)
            for table in self._of_type.get(kind, []):
                self.connection.execute(f"INSERT INTO {table} {self._selects[table]}")
        self.connection.execute("DELETE FROM resource")

    def _remove(self, refs: list[str], kind: str) -> None:
        for table in self._of_type.get(kind, []):
            # The table's name is that of one of this package's files.
            self.connection.execute(f"DELETE FROM {table} WHERE ref IN (SELECT unnest(?))", [refs])  # noqa: S608

    def _query(self, sql: str, limit: int) -> Message:
        """The first rows, as many as `limit` and the bound on an answer allow, and how many there are."""
        with self._reading():
            cursor = self.connection.execute(sql)
            described = cursor.description or []
            columns = _distinct([str(column[0]) for column in described])
            if any("INTERVAL" in str(column[1]) for column in described):
                cursor = self.connection.execute(_with_intervals_said(sql, [str(c[1]) for c in described]))
            rows: list[list[Any]] = []
            size = total = 0
            while total <= _COUNTED and (batch := cursor.fetchmany(256)):
                total += len(batch)
                for values in batch[: limit - len(rows)]:
                    row = [_cell(value) for value in values]
                    size += len(json.dumps(row))
                    if size > _ANSWER_CHARACTERS and rows:
                        limit = 0
                        break
                    rows.append(row)
        return {"columns": columns, "rows": rows, "total": total if total <= _COUNTED else None}

    def _hints(self, sql: str, tables: list[str]) -> list[str]:
        """Where the texts of a statement that finds nothing stand otherwise than it takes for granted."""
        columns = self._columns()
        found: list[str] = []
        for text in texts_of(self.connection, sql)[:_HINTED]:
            here = {t: _holding(self.connection, t, columns[t], text) for t in tables}
            if any(as_written for as_written, _ in here.values()):
                continue
            said = f"`{text[:80]}` stands in"
            near = [f"{table}.{column}" for table, (_, column) in here.items() if column]
            if near:
                found.append(f"{said} {' and '.join(near)} in other letters: compare with ILIKE.")
            elif "observation" in tables:
                parts = _holding(self.connection, PARTS, columns[PARTS], text)
                found += [f"{said} {PARTS}, with the parts of panels."] if any(parts) else []
        return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """A transaction whose ends are not interrupted: it would stay open, and no other could begin."""
        with self._whole:
            self.connection.execute("BEGIN TRANSACTION READ ONLY")
        try:
            yield
        finally:
            with self._whole:
                self.connection.execute("ROLLBACK")


def _holding(
    connection: Connection, table: str, columns: list[list[str]], text: str
) -> tuple[bool, str | None]:
    """Whether a column of a table holds a text (or fits a pattern) as written; one that does in any case."""
    names = [name for name, kind in columns if kind == "VARCHAR"]
    lists = [name for name, kind in columns if kind == "VARCHAR[]"]
    tests = [f"{name} LIKE $1" for name in names] + [f"list_contains({name}, $1)" for name in lists]
    tests += [f"{name} ILIKE $1" for name in names]
    asked = ", ".join(f"coalesce(bool_or({test}), false)" for test in tests)
    row = connection.execute(f"SELECT {asked} FROM {table}", [text]).fetchone()  # noqa: S608 (our own names)
    held = list(row or ())
    near = [name for name, is_near in zip(names, held[-len(names) :], strict=True) if is_near]
    return any(held[: -len(names)]), near[0] if near else None


def _mixed_units(connection: Connection, sql: str) -> list[str]:
    """What of the observations that a statement reads the numbers of, but not the units, has several units.

    These are the observations that each of its texts stands for; or else those of each code.
    """
    if not reads_values_without_units(connection, sql):
        return []
    asked = texts_of(connection, sql)[:_HINTED]
    rows = connection.execute(
        "WITH numbers AS (SELECT code, codes, code_text, coalesce(unit, 'no unit') AS unit FROM observation"
        " WHERE value IS NOT NULL), about AS (SELECT '`' || left(t, 80) || '`' AS what, unit FROM numbers,"
        " (SELECT unnest($1::VARCHAR[]) AS t) WHERE list_contains(codes, t) OR code_text ILIKE t),"
        " either AS (FROM about UNION ALL SELECT code, unit FROM numbers WHERE NOT EXISTS (FROM about))"
        " SELECT what, left(string_agg(n || ' ' || unit, ', ' ORDER BY n DESC, unit), 200) FROM"
        " (SELECT what, unit, count(*) AS n FROM either GROUP BY ALL) GROUP BY what HAVING count(*) > 1"
        " ORDER BY what LIMIT 3",
        [asked],
    ).fetchall()
    return [
        f"Values of {what} are in several units ({units}): filter or group by unit." for what, units in rows
    ]


def _with_intervals_said(sql: str, kinds: list[str]) -> str:
    """The statement with its intervals as text: in Python, DuckDB's months are 30 days and its years 360."""
    cells = [f"#{n}::VARCHAR" if "INTERVAL" in kind else f"#{n}" for n, kind in enumerate(kinds, 1)]
    quoted = sql.replace("'", "''")
    return f"SELECT {', '.join(cells)} FROM query('{quoted}')"  # noqa: S608 (a statement judged before)


def _distinct(names: list[str]) -> list[str]:
    """Column names, numbered where one comes again."""
    found: list[str] = []
    for name in names:
        number, unique = 2, name
        while unique in found:
            unique, number = f"{name}_{number}", number + 1
        found.append(unique)
    return found


def _cell(value: Any) -> Any:
    """A value as JSON has it, bounded."""
    match value:
        case None | bool() | int():
            return value
        case decimal.Decimal():
            return _cell(float(value))
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case list() | tuple():
            more = [f"(and {len(value) - _CELL_ITEMS} more)"] if len(value) > _CELL_ITEMS else []
            return [_cell(item) for item in value[:_CELL_ITEMS]] + more
        case dict():
            return {str(key): _cell(item) for key, item in list(value.items())[:_CELL_ITEMS]}
        case bytes():
            return f"({len(value)} bytes)"
    text = str(value)
    return text if len(text) <= _CELL_CHARACTERS else f"{text[:_CELL_CHARACTERS]}… (cut)"


def _failure(error: Exception) -> Message:
    match error:
        case Refused():
            return {"refused": str(error)}
        case UnknownTable():
            return {"unknown_table": str(error)}
        case duckdb.InterruptException():
            return {"interrupted": True}
        case duckdb.OutOfMemoryException() | MemoryError():
            return {"out_of_memory": True}
    return {"error": str(error), "kind": type(error).__name__}


def main() -> None:
    """Answer requests until stdin ends. A line `interrupt` stops the query that runs."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    worker = Worker()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    answered = threading.Event()
    answered.set()

    def listen() -> None:
        for line in sys.stdin:
            if line == "interrupt\n":
                # The query may not have begun yet, and to begin wipes out what interrupts it.
                while not answered.wait(0.02):
                    worker.interrupt()
            else:
                answered.clear()
                lines.put(line)
        os._exit(0)  # whoever asked is gone, and with them the wish for an answer

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = json.loads(lines.get())
        payload = lines.get() if request["do"] == "put" else ""
        try:
            reply = worker.answer(request, payload)
        except Exception as error:  # every failure is the asker's to see
            reply = _failure(error)
        answered.set()
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
