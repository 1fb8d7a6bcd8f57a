"""What differs between a call on our record and what the EMR saw of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mcp_servers.audit.reconciliation.calls import Called
from mcp_servers.audit.reconciliation.emr import EmrEvent
from mcp_servers.audit.reconciliation.interactions import Interaction, of_request, reason_unseen

COUNTING = "count_patients"
"""The tool whose record names no patient, as its result names none."""

Kind = Literal["unrecorded", "unseen", "disagreement"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the two trails differ; ids and kinds only. `accounted`: it has a reason that is known.

    `request_id` is the X-Request-ID, which is a call's id where a `session` is named: both then have it.
    `unrecorded`: an event of the EMR (`event`) that our trail does not explain. `unseen`: requests of a call
    that the EMR has no event of, `reasons` with how many of each. `disagreement`: both have it, differently.
    """

    kind: Kind
    why: str
    accounted: bool
    at: datetime
    request_id: str | None = None
    session: str | None = None
    tool: str | None = None
    event: str | None = None
    asked: str | None = None
    patients: tuple[str, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)


def compare(call: Called, events: Sequence[EmrEvent], base: str) -> Iterator[Difference]:
    """The differences between a call on our record and the EMR's events with its id."""
    if call.requests is None or call.outcome in (None, "unknown"):
        yield from _without_requests(call, events)
        return
    noted: defaultdict[Interaction, list[dict[str, Any]]] = defaultdict(list)
    for request in call.requests:
        noted[of_request(request["method"], request["url"], base)].append(request)
    known, times = [], Counter[tuple[Interaction, frozenset[str]]]()
    for event in sorted(events, key=lambda one: one.recorded):
        if event.asked is None or event.asked not in noted:
            yield unrecorded(event, "the call with its X-Request-ID noted no such request", call)
            continue
        times[event.asked, event.owners] += 1
        if times[event.asked, event.owners] > len(noted[event.asked]):
            yield unrecorded(event, "the call with its X-Request-ID sent this less often", call)
            continue
        known.append(event)
        if not any(event.succeeded == _succeeded(request) for request in noted[event.asked]):
            theirs, ours = ("answered", "no success") if event.succeeded else ("failed", "answered")
            why = f"the EMR has it as {theirs}, our record as {ours}"
            yield _of(call, "disagreement", why, event=event.id, asked=str(event.asked))
    yield from _unseen(call, noted, times)
    yield from _patients(call, known)


def _without_requests(call: Called, events: Sequence[EmrEvent]) -> Iterator[Difference]:
    """What can be told of a call without its requests: erased, lost with a process, or to come."""
    if call.outcome is None:
        why = "it is still at work, or was when its process ended"
        yield _of(call, "unseen", why, reasons={"not completed": 1})
    elif call.requests is None:
        why = "what it asked was erased"
        yield _of(call, "unseen", why, accounted=True, reasons={"erased": 1})
        yield from _patients(call, events)
    elif events:
        why = "the EMR answered it, our record does not know its outcome"
        yield _of(call, "disagreement", why, event=events[0].id)
    else:
        why = "its process ended before it did"
        yield _of(call, "unseen", why, accounted=True, reasons={"unknown outcome": 1})


def _unseen(
    call: Called,
    noted: dict[Interaction, list[dict[str, Any]]],
    times: Counter[tuple[Interaction, frozenset[str]]],
) -> Iterator[Difference]:
    """The requests that the EMR has no event of, or that the call made none."""
    if not noted:
        why = {"ok": "answered from memory", "refused": "refused before any request"}
        reason = why.get(str(call.outcome), "failed before any request")
        yield _of(call, "unseen", "it sent no request", accounted=True, reasons={reason: 1})
        return
    reasons: Counter[str] = Counter()
    for asked, requests in noted.items():
        seen = max((n for (other, _), n in times.items() if other == asked), default=0)
        # What has a reason not to be seen is taken for the unseen.
        whys = sorted(reason_unseen(asked, request) or "" for request in requests)
        reasons.update(why or "no known reason" for why in whys[seen:])
    if reasons:
        accounted = not reasons["no known reason"]
        yield _of(call, "unseen", "the EMR has no event of it", accounted=accounted, reasons=dict(reasons))


def _patients(call: Called, events: Iterable[EmrEvent]) -> Iterator[Difference]:
    """The patients whom the EMR names, and our record of the call does not."""
    ours = call.patients | ({call.patient} if call.patient else set())
    others = {one for event in events for one in event.patients} - ours
    if not others:
        return
    if call.outcome == "refused":
        why, accounted = "what the EMR answered about others was withheld: the call was refused", True
    elif call.withheld:
        why, accounted = "what the EMR answered about others besides was withheld, as our record says", True
    elif call.tool == COUNTING and call.outcome == "ok" and not ours:
        why, accounted = "the call counted patients, and names none", True
    else:
        why, accounted = "the EMR names patients whom our record does not", False
    yield _of(call, "disagreement", why, accounted=accounted, patients=tuple(sorted(others)))


def _succeeded(request: dict[str, Any]) -> bool:
    status = request["status"]
    return isinstance(status, int) and 200 <= status < 300


def unrecorded(event: EmrEvent, why: str, call: Called | None = None) -> Difference:
    """An event that our trail does not explain; `call` is the one whose id it bears."""
    return Difference(
        "unrecorded",
        why,
        accounted=False,
        at=event.recorded,
        request_id=event.request_id,
        session=call.session if call else None,
        tool=call.tool if call else None,
        event=event.id,
        asked=str(event.asked) if event.asked else None,
        patients=tuple(sorted(event.patients)),
    )


def _of(call: Called, kind: Kind, why: str, *, accounted: bool = False, **more: Any) -> Difference:
    return Difference(
        kind, why, accounted, at=call.at, request_id=call.id, session=call.session, tool=call.tool, **more
    )
