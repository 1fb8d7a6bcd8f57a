"""Windows of time over rows: what lies inside, what may, and what has no date."""

from typing import NamedTuple

from mcp_servers.fhir.charts.dates import Span, span
from mcp_servers.fhir.charts.elements import Row


class Window(NamedTuple):
    """From the start of `since` to the end of `until`; an open side is None."""

    since: Span | None
    until: Span | None

    def rows(self, rows: list[Row], notes: list[str]) -> list[Row]:
        """The rows whose date overlaps the window, and the undated ones, noted.

        A partial date counts when any part of it lies inside; when part of it lies outside, a note says so.
        """
        if self.since is None and self.until is None:
            return rows
        kept: list[Row] = []
        undated = uncertain = 0
        for row in rows:
            at = span(row.get("date"))
            if at is None:
                undated += 1
                kept.append(row)
            elif not self._outside(at):
                uncertain += self._partly_outside(at)
                kept.append(row)
        if len(kept) < len(rows):
            notes.append(f"{len(rows) - len(kept)} outside the dates asked for.")
        if undated:
            notes.append(f"{undated} without a readable date kept: it may lie outside the dates asked for.")
        if uncertain:
            notes.append(
                f"{uncertain} dated too coarsely to tell whether it lies inside the dates asked for; kept."
            )
        return kept

    def _outside(self, at: Span) -> bool:
        before = self.since is not None and at.ends_before(self.since)
        after = self.until is not None and at.starts_after(self.until)
        return before or after

    def _partly_outside(self, at: Span) -> bool:
        before = self.since is not None and at.starts_before(self.since)
        after = self.until is not None and at.ends_after(self.until)
        return before or after
