"""Windows of time over rows: what lies inside, what may, and what cannot be told for want of a date."""

from typing import NamedTuple

from mcp_servers.fhir.charts.dates import Span, bound, span
from mcp_servers.fhir.charts.elements import Row, listed
from mcp_servers.fhir.charts.errors import UnusableDate


class Window(NamedTuple):
    """From the start of `since` to the end of `until`; an open side is None."""

    since: Span | None
    until: Span | None

    @classmethod
    def of(cls, since: str | None, until: str | None) -> "Window":
        """The window between two arguments. Raises UnusableDate."""
        begin, end = bound(since, "since"), bound(until, "until")
        if begin and end and begin.starts_after(end):
            raise UnusableDate("`since` is later than `until`: nothing lies between them")
        return cls(begin, end)

    def rows(self, rows: list[Row], notes: list[str], now: Span | None = None) -> list[Row]:
        """The rows whose date overlaps the window; the undated ones are left out and named in a note.

        A partial date counts when any part of it lies inside; when part of it lies outside, a note says so.
        A window of everything up to `now` leaves out only what is dated later.
        """
        if self.since is None and self.until is None:
            return rows
        if self.since is None and self.until and now and not now.starts_after(self.until):
            past = [row for row in rows if self.may_hold(row)]
            if len(past) < len(rows):
                notes.append(f"{len(rows) - len(past)} dated after now left out.")
            return past
        kept: list[Row] = []
        undated: list[str] = []
        uncertain = 0
        for row in rows:
            at = span(row.get("date"))
            if at is None:
                undated.append(row["ref"])
            elif not self._outside(at):
                uncertain += self._partly_outside(at)
                kept.append(row)
        outside = len(rows) - len(kept) - len(undated)
        if outside:
            notes.append(f"{outside} outside the dates asked for.")
        if undated:
            notes.append(
                f"{len(undated)} without a readable date left out (it may lie inside the dates asked for):"
                f" {listed(undated)}."
            )
        if uncertain:
            notes.append(
                f"{uncertain} dated too coarsely to tell whether it lies inside the dates asked for; kept."
            )
        return kept

    def may_hold(self, row: Row) -> bool:
        """Whether some of the row's date lies inside, or it has none."""
        at = span(row.get("date"))
        return at is None or not self._outside(at)

    def _outside(self, at: Span) -> bool:
        before = self.since is not None and at.ends_before(self.since)
        after = self.until is not None and at.starts_after(self.until)
        return before or after

    def _partly_outside(self, at: Span) -> bool:
        before = self.since is not None and at.starts_before(self.since)
        after = self.until is not None and at.ends_after(self.until)
        return before or after
