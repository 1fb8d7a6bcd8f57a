"""The chart as an intent sees it: what the tools have brought so far, and what is still to be fetched."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import BY_KIND, CannotAnswer
from agent.messages import Action, ToolResult
from agent.models.offline.asking_back import asked_back

Row = dict[str, Any]
PAGE = 200
PAGES = 4
# Of long lists the newest few are read first, where one of them is likely to be the one asked for.
FEW = 20
# The calls that one step may hold (agent.steps); the others are asked for in the next.
AT_ONCE = 4

# How a list says that the records which say the same stand behind the newest of each.
_DISTINCT = re.compile(r"\d+ records, (\d+) distinct;")


class StillWanted(Exception):
    """Control flow, no error: the intent needs these calls before it can answer."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__("results still wanted")
        self.actions = tuple(actions)


@dataclass(frozen=True)
class Found:
    """What one call (and its further pages) brought: rows, how many match in all, and how complete it is."""

    rows: list[Row]
    total: int
    finding: str
    complete: bool
    notes: tuple[str, ...]


class Chart:
    """Reads the results since the question; asking for what is not there yet raises StillWanted.

    So an intent is written as if its calls returned at once, and is run again after each step.
    """

    def __init__(self, results: Sequence[ToolResult]) -> None:
        self._results = list(results)

    def fetch(self, action: Action) -> Found:
        """The result of one call."""
        return self.fetch_all([action])[0]

    def fetch_all(self, actions: Sequence[Action]) -> list[Found]:
        """The results of several calls, asked for in one step."""
        pages = [self._pages(action) for action in actions]
        wanted = [further for _, further in pages if further is not None]
        if wanted:
            raise StillWanted(wanted)
        return [found for found, _ in pages if found is not None]

    def newest(self, action: Action, suits: Callable[[Row], bool]) -> Found:
        """Of a call that lists records the newest few, where one of them suits; else all of them."""
        first = Action(tool=action.tool, arguments={**action.arguments, "limit": FEW})
        few, wanted = self._pages(first, pages=1)
        if wanted is not None:
            raise StillWanted([wanted])
        return few if few and (few.complete or any(map(suits, few.rows))) else self.fetch(action)

    def sayings(self, action: Action) -> Found:
        """Of a call that lists records the newest of each that say the same; complete where they are all."""
        first, wanted = self._pages(action, pages=1)
        if wanted is not None:
            raise StillWanted([wanted])
        told = (_DISTINCT.match(note) for note in first.notes) if first else ()
        if first and any(match and int(match[1]) <= len(first.rows) for match in told):
            return replace(first, complete=True)
        return self.fetch(action)

    def patient(self) -> Row:
        """Who the patient is."""
        found = self.fetch(Action(tool="chart_overview", arguments={"sections": ["patient"]}))
        return next(row for row in found.rows if row.get("section") == "patient")

    def row(self, ref: str, field: str = "ref") -> Row | None:
        """The first row of that record alone, of any result, that has the field."""
        every = (row for result in self._results for row in (result.data or {}).get("rows", ()))
        return next((row for row in every if row.get("ref") == ref and field in row), None)

    def _pages(self, action: Action, pages: int = PAGES) -> tuple[Found | None, Action | None]:
        """The pages of one call so far, and the call still wanted: the first page, or the next one."""
        rows: list[Row] = []
        notes: dict[str, None] = {}
        wanted = action
        for number in range(1, pages + 1):
            result = next((one for one in self._results if _answers(one, wanted)), None)
            if result is None:
                return None, wanted
            data = _usable(result)
            rows += data["rows"]
            notes |= dict.fromkeys(data.get("notes", ()))
            cursor = data.get("cursor") if data.get("truncated") else None
            if cursor is None or number == pages or action.tool != "list_records":
                break
            wanted = Action(tool=action.tool, arguments={**action.arguments, "cursor": cursor})
        if action.tool == "list_records":
            # Of records that say the same the newest ones come first, and then all the others.
            rows.sort(key=lambda row: str(row.get("date", "")), reverse=True)
        total = data.get("total")
        complete = not data.get("truncated")
        count = len(rows) if total is None else total
        return Found(rows, count, data["finding"], complete, tuple(notes)), None


def records(kind: str, *, status: str = "all", **window: str) -> Action:
    """The call that lists all records of a kind."""
    return Action(tool="list_records", arguments={"kind": kind, "status": status, "limit": PAGE, **window})


def observations(measurement: str, mode: str, **arguments: Any) -> Action:
    """The call for a measurement in one of the tool's modes."""
    return Action(tool="observations", arguments={"name": measurement, "mode": mode, **arguments})


def _answers(result: ToolResult, action: Action) -> bool:
    """Whether this is the result of that call; the host may have filled in defaults, never a cursor."""
    if result.tool != action.tool or result.arguments.get("cursor") != action.arguments.get("cursor"):
        return False
    return all(result.arguments.get(name) == value for name, value in action.arguments.items())


def _usable(result: ToolResult) -> dict[str, Any]:
    """The envelope of a result; raises what its error means for the run."""
    if result.error is None and result.data is not None:
        return result.data
    raise BY_KIND.get(result.error or "", CannotAnswer)(asked_back(result.text))
