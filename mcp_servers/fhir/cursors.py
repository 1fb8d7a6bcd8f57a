"""Cursors: random names for what a result still holds, good for one patient, one query and one session."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from mcp_servers.fhir.client import Next
from mcp_servers.fhir.envelope import Finding
from mcp_servers.fhir.errors import InvalidRequest

_KEPT = 64


@dataclass(frozen=True)
class Remaining:
    """Rows that a result did not show yet, and where the search goes on behind them."""

    rows: list[dict[str, Any]]
    total: int | None
    finding: Finding
    next: Next | None = None
    notes: list[str] = field(default_factory=list)


class Cursors:
    """The cursors of one session; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, Remaining]] = OrderedDict()

    def issue(self, query: str, remaining: Remaining) -> str:
        """A cursor for what remains of `query` (tool, patient and arguments, as one string)."""
        cursor = secrets.token_urlsafe(12)
        self._kept[cursor] = (query, remaining)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return cursor

    def redeem(self, query: str, cursor: str) -> Remaining:
        """What remains behind `cursor`, as often as it is asked for. Raises InvalidRequest."""
        issued_for, remaining = self._kept.get(cursor, (None, None))
        if remaining is None or issued_for != query:
            raise InvalidRequest(
                "This cursor is not one of this query: give the cursor of the last result with the same"
                " arguments, or leave it out to begin again."
            )
        return remaining
