"""`ehr-navigator audit reconcile`: our trail against the EMR's own, as a report in ids and counts."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from agent.audit_access import audit_ring, journal_path
from agent.audit_reading import reading, sought
from agent.config import Settings
from agent.errors import UsageError
from agent.fhir_access import open_fhir

if TYPE_CHECKING:
    from mcp_servers.audit.reconciliation.compare import Difference
    from mcp_servers.audit.reconciliation.reconcile import Reconciliation

IN_MEMORY = 1024 * 1024  # bytes of a list before it goes to disk; it holds ids, nothing of a chart


def reconcile_audit(
    settings: Settings, since: datetime, until: datetime | None, *, as_json: bool, out: IO[str]
) -> bool:
    """Whether our trail and the EMR's own account for each other, with a report on `out`.

    `as_json`: a line for each difference, and last one for the summary. That the trail was read for it is put
    on the trail. Raises UsageError, AuditUnavailable.
    """
    if until is not None and until <= since:
        raise UsageError("--until must come after --since.")
    if as_json:
        found = _reconciled(settings, since, until, lambda one: print(_line(one), file=out))
        print(json.dumps({"summary": _summary(found)}), file=out)
        return found.complete
    with ExitStack() as stack:
        # The summary comes first, and the lists may be long.
        lists = {
            accounted: stack.enter_context(SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8"))
            for accounted in (False, True)
        }
        found = _reconciled(settings, since, until, lambda one: print(_told(one), file=lists[one.accounted]))
        print("\n".join(_report(found)), file=out)
        for accounted, title in ((False, "NOT ACCOUNTED FOR"), (True, "Accounted for")):
            if lists[accounted].tell():
                lists[accounted].seek(0)
                print(f"\n{title}:", file=out)
                out.writelines(lists[accounted])
    return found.complete


def _reconciled(
    settings: Settings, since: datetime, until: datetime | None, tell: "Callable[[Difference], object]"
) -> "Reconciliation":
    from mcp_servers.audit.reconciliation.reconcile import Period, reconcile

    period = Period(since, until or datetime.now().astimezone())

    async def asked() -> "Reconciliation":
        async with open_fhir(settings) as http:
            return await reconcile(journal_path(settings), audit_ring(settings), http, period, tell)

    with reading(settings, "audit reconcile", sought(period._asdict())) as trail:
        found = asyncio.run(asked())
        trail.rows = found.calls
        trail.facts = {"events_seen": found.events, "complete": found.complete}
        return found


def _report(found: "Reconciliation") -> Iterator[str]:
    since, until = (at.isoformat(timespec="seconds") for at in found.period)
    yield f"{found.base} from {since} until {until}"
    yield f"Our tool calls: {found.calls}, with {found.requests} FHIR requests"
    if found.elsewhere:
        yield f"Not compared, as they asked other FHIR servers (name one with --fhir): {found.elsewhere}"
    yield f"The EMR's AuditEvents: {found.events} about our client, {found.others} about others"
    if found.requests and not found.events + found.others:
        yield "It has none of this time: does that server write any of its own? The embedded store does not."
    if found.reasons:
        yield f"Not in the EMR's trail: {_counted(found.reasons)}"
    for kind, times in sorted(found.unaccounted.items()):
        yield f"NOT ACCOUNTED FOR: {_KINDS[kind]}: {times}"
    if found.problem:
        yield f"NOT ALL WAS COMPARED: {found.problem}"
    if found.complete:
        yield "All is accounted for."


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{times} {reason}" for reason, times in sorted(reasons.items()))


_KINDS = {
    "unrecorded": "requests that the EMR saw from our client without a record of ours",
    "unseen": "calls of ours with requests that the EMR never saw, for no known reason",
    "disagreement": "calls whose outcome or patients the two tell differently",
}


def _told(one: "Difference") -> str:
    """A difference in a line."""
    said = [
        one.at.isoformat(timespec="milliseconds"),
        f"AuditEvent/{one.event}" if one.event else "",
        f"X-Request-ID {one.request_id}" if one.request_id and not one.session else "",
        f"call {one.request_id} | session {one.session}" if one.session else "",
        one.tool or "",
        one.asked or "",
        f"{one.why}: {_counted(one.reasons)}" if one.reasons else one.why,
        ", ".join(one.patients),
    ]
    return "  " + " | ".join(filter(None, said))


def _line(one: "Difference") -> str:
    return json.dumps({**asdict(one), "at": one.at.isoformat(timespec="milliseconds")})


def _summary(found: "Reconciliation") -> dict[str, Any]:
    since, until = (at.isoformat(timespec="milliseconds") for at in found.period)
    return {
        "complete": found.complete,
        "fhir": found.base,
        "since": since,
        "until": until,
        "calls": found.calls,
        "elsewhere": found.elsewhere,
        "requests": found.requests,
        "events": found.events,
        "others": found.others,
        "reasons": dict(found.reasons),
        "unaccounted": dict(found.unaccounted),
        "problem": found.problem,
    }
