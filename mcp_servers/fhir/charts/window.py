"""Windows of time over rows: what lies inside, what may, and what cannot be told for want of a date."""

from typing import NamedTuple

from mcp_servers.fhir.charts.dates import Span, bound, span
from mcp_servers.fhir.charts.elements import Row, listed
from mcp_servers.fhir.charts.errors import UnusableDate

# Statuses of a stay that is not over.
LASTING = frozenset({"in-progress", "arrived", "triaged", "onleave"})


class Window(NamedTuple):
    """From the start of `since` to the end of `until`; an open side is None."""

    since: Span | None
    until: Span | None
    stays_to: Span | None = None

    @classmethod
    def of(cls, since: str | None, until: str | None, stays_to: str | None = None) -> "Window":
        """The window between two arguments. Raises UnusableDate.

        With `stays_to` (now) rows are stays, from their `date` to their `end`, or to now while they last.
        """
        begin, end = bound(since, "since"), bound(until, "until")
        if begin and end and begin.starts_after(end):
            raise UnusableDate("`since` is later than `until`: nothing lies between them")
        return cls(begin, end, span(stays_to))

    def rows(self, rows: list[Row], notes: list[str], now: Span | None = None) -> list[Row]:
        """The rows whose date, or stay, overlaps the window; undated ones are left out and named in a note.

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
            elif not self._outside(at, end := self._end(row, at)):
                uncertain += self._partly_outside(at, end)
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
        return at is None or not self._outside(at, self._end(row, at))

    def _end(self, row: Row, at: Span) -> Span:
        if self.stays_to is None:
            return at
        end = span(row.get("end")) or (self.stays_to if row.get("status") in LASTING else at)
        return at if end.ends_before(at) else end

    def _outside(self, at: Span, end: Span) -> bool:
        before = self.since is not None and end.ends_before(self.since)
        after = self.until is not None and at.starts_after(self.until)
        return before or after

    def _partly_outside(self, at: Span, end: Span) -> bool:
        before = self.since is not None and end.starts_before(self.since)
        after = self.until is not None and at.ends_after(self.until)
        return before or after
