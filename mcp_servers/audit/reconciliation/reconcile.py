"""Do our trail and the EMR's own agree? Joins tool calls with AuditEvents by X-Request-ID, both ways.

Works through the time in windows, and holds what the EMR saw of the calls of one window only.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.keys import Ring
from mcp_servers.audit.identity import PROGRAM
from mcp_servers.audit.reconciliation import emr
from mcp_servers.audit.reconciliation.calls import begun_at, called_between, count_elsewhere
from mcp_servers.audit.reconciliation.compare import Difference, Kind, compare, unrecorded
from mcp_servers.audit.reconciliation.emr import EmrEvent, instant

if TYPE_CHECKING:
    import httpx

LATE = timedelta(minutes=5)
"""The most that the EMR's time of an event may lie before or after a call's beginning: calls take their time,
and two machines have two clocks."""
SETTLING = timedelta(seconds=3)
"""An EMR may write its event a moment after it answered."""
SHORTEST, LONGEST = LATE, timedelta(days=1)
"""A window: the less there is to compare, the longer."""


class Period(NamedTuple):
    """From `since` until before `until`, both with an offset."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether that time lies in it."""
        return self.since <= at < self.until


@dataclass(slots=True)
class Reconciliation:
    """What was compared: calls and their requests, and events of the EMR that are about our client.

    `others` counts the EMR's events about others, `elsewhere` our calls to other FHIR servers than `base`.
    `reasons` counts the requests (and the calls without one) that the EMR does not have, by reason;
    `unaccounted` the differences without one, by kind. `problem`: the FHIR server could not be asked, or no
    longer; what was found before stands.
    """

    base: str
    period: Period
    elsewhere: int = 0
    calls: int = 0
    requests: int = 0
    events: int = 0
    others: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unaccounted: Counter[Kind] = field(default_factory=Counter)
    problem: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every event and every call is accounted for."""
        return not self.unaccounted.total() and self.problem is None


async def reconcile(
    path: Path,
    ring: Ring,
    http: "httpx.AsyncClient",
    period: Period,
    tell: Callable[[Difference], object],
    *,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> Reconciliation:
    """Compare the journal at `path` with the AuditEvents of a period at the server at `http.base_url`.

    `tell` is told each difference as it is found. Raises JournalUnavailable.
    """
    if datetime.now(UTC) - period.until < SETTLING:
        await sleep(SETTLING.total_seconds())
    with trail.reading(path) as db:
        joining = _Joining(db, Content(ring), str(http.base_url).rstrip("/"), period, tell)
        start, last, span = period.since - LATE, period.until + LATE, SHORTEST
        try:
            while start < last:
                end = min(start + span, last)
                found = 0
                async for event in emr.events(http, start, end):
                    joining.sort(event)
                    found += 1
                joining.settle(end - LATE)
                start, span = end, min(2 * span, LONGEST) if found < emr.PAGE else SHORTEST
            joining.settle(last)
        except emr.CannotTell as error:
            joining.result.problem = str(error)
    return joining.result


class _Joining:
    """Both trails, joined as far as the windows have come."""

    def __init__(
        self,
        db: sqlite3.Connection,
        content: Content,
        base: str,
        period: Period,
        tell: Callable[[Difference], object],
    ) -> None:
        self.result = Reconciliation(base, period, count_elsewhere(db, base, *period))
        self._db = db
        self._base = base
        self._period = period
        self._tell = tell
        self._calls = called_between(db, content, base, period.since - LATE, period.until + LATE)
        self._call = next(self._calls, None)
        self._seen: defaultdict[str, list[EmrEvent]] = defaultdict(list)  # by call, until it is settled

    def sort(self, event: EmrEvent) -> None:
        """Put an event to its call, or find that it has none."""
        if self._is_the_trails(event):
            return
        inside = self._period.holds(event.recorded)
        begun = begun_at(self._db, self._base, event.request_id) if event.request_id else None
        if begun is None and not any(name.startswith(f"{PROGRAM}/") for name in event.agents):
            self.result.others += inside
            return
        self.result.events += inside
        if begun is None and event.request_id:
            self._report(unrecorded(event, "no call of ours has its X-Request-ID"))
        elif begun is None or event.request_id is None:
            self._report(unrecorded(event, "it has no X-Request-ID"))
        elif abs(event.recorded - begun) >= LATE:
            self._report(unrecorded(event, f"its X-Request-ID is of a call begun at {instant(begun)}"))
        else:
            self._seen[event.request_id].append(event)

    def settle(self, edge: datetime) -> None:
        """Compare the calls begun before `edge`, of which the EMR has no more to tell."""
        while (call := self._call) is not None and call.at < edge:
            if self._period.holds(call.at):
                self.result.calls += 1
                self.result.requests += len(call.requests or ())
            for difference in compare(call, self._seen.pop(call.id, []), self._base):
                self._report(difference)
            self._call = next(self._calls, None)

    def _is_the_trails(self, event: EmrEvent) -> bool:
        """Whether it is an AuditEvent of ours, or about the delivery or the reading of AuditEvents."""
        delivered = "SELECT 1 FROM outbox WHERE id = ?"
        if PROGRAM in event.observer or self._db.execute(delivered, (event.id,)).fetchone():
            return True
        kind, target = event.asked[:2] if event.asked else ("", "")
        if target.partition("/")[0] == "AuditEvent":
            return True
        device = target.removeprefix("Device/")
        return kind in ("create", "update", "transaction") and bool(
            self._db.execute("SELECT 1 FROM device WHERE id = ?", (device,)).fetchone()
        )

    def _report(self, difference: Difference) -> None:
        """Tell of a difference that lies within the time that was asked for."""
        if not self._period.holds(difference.at):
            return
        self.result.reasons.update(difference.reasons)
        if not difference.accounted:
            self.result.unaccounted[difference.kind] += 1
        self._tell(difference)
