"""What a privacy officer asks the trail, as rows."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mcp_servers.audit.asking.acts import Act, Sought, acts, opened, sessions
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.content import Content
from mcp_servers.audit.chain.keys import Ring
from mcp_servers.audit.chain.verify import verify
from mcp_servers.audit.delivery import outbox


@dataclass(frozen=True)
class Found:
    """What a reading brought: rows, what is to be said of them, and the patients whom they tell of."""

    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)


def find_sessions(path: Path, sought: Sought, limit: int) -> Found:
    """The last sessions with such acts, the newest first."""
    with trail.reading(path) as db:
        found = sessions(acts(db, sought))
    rows = [asdict(one) for one in reversed(found[-limit:])]
    whom = list(dict.fromkeys(patient for row in rows for patient in row["patients"]))
    notes = _more(len(found) - len(rows), "older sessions", "an earlier `until`")
    return Found(rows, notes if rows else ["No such session is on the trail."], whom)


def show_session(path: Path, ring: Ring, sought: Sought, after: int, limit: int) -> Found:
    """The acts of a session after the record `after`, opened, in the order in which they began."""
    content = Content(ring)
    with trail.reading(path) as db:
        rest = (act for act in acts(db, sought) if act.intent.seq > after)
        shown = [*islice(rest, limit)]
        rows = [_told(opened(db, act, content)) for act in shown]
        left = sum(1 for _ in rest)
    notes = _more(left, "acts", f"`after` {shown[-1].intent.seq}" if shown else "")
    if not rows:
        notes.append("No act of such a session is on the trail; find_sessions names the sessions.")
    return Found(rows, notes, list(dict.fromkeys(patient for act in shown for patient in act.patients)))


def patient_accesses(path: Path, sought: Sought, limit: int) -> Found:
    """The last readings and disclosures about a patient, the newest first."""
    newest: deque[Act] = deque(maxlen=limit)
    count = 0
    with trail.reading(path) as db:
        for act in acts(db, sought):
            if act.name not in ("question", "model_step"):  # what they read are calls of tools
                newest.append(act)
                count += 1
    rows = [_access(act) for act in reversed(newest)]
    notes = _more(count - len(rows), "older accesses", "an earlier `until`")
    return Found(rows, notes if rows else ["No access to this patient is on this trail."], [sought.patient])


def verify_trail(path: Path, ring: Ring) -> Found:
    """Whether the journal is whole and unaltered, as one row."""
    found = verify(path, [key.public for key in ring])
    row = {"intact": found.intact, **asdict(found), "unknown": len(found.unknown)}
    return Found([{name: value for name, value in row.items() if value is not None}])


def undelivered(path: Path, after: int, limit: int) -> Found:
    """The oldest AuditEvents after a position that did not arrive, and how many each destination lacks."""
    depths = outbox.depths(path)
    rest = (one for one in outbox.undelivered(path) if one.position > after)
    rows = [asdict(one) for one in islice(rest, limit)]
    left = sum(1 for _ in rest)
    notes = [
        f"{one.destination}: {one.pending} wait, the oldest for {one.oldest_s:.0f} s; {one.refused} refused."
        for one in depths
    ]
    notes += _more(left, "events", f"`after` {rows[-1]['position']}" if rows else "")
    return Found(rows, notes or ["All were delivered."])


def lines(found: Found) -> Iterable[str]:
    """A line a row, and a line a note."""
    for row in found.rows:
        told = ((name, value) for name, value in row.items() if value not in ("", [], {}))
        yield "; ".join(f"{name}: {_text(value)}" for name, value in told)
    yield from (f"Note: {note}" for note in found.notes)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _more(left: int, what: str, how: str) -> list[str]:
    return [f"{left} more {what} are not shown: ask with {how}."] if left > 0 else []


def _access(act: Act) -> dict[str, Any]:
    """An access in plain facts."""
    intent, done = act.intent, act.completion.body if act.completion else {}
    return {
        "at": intent.at,
        "person": intent.body["user"],
        "purpose": intent.body["purpose_of_use"],
        "what": act.what,
        "outcome": act.outcome,
        "records": len(done.get("refs", ())),
        "model": act.model,
        "program": intent.body["server"],
        "left_the_building": act.left,
        "session": intent.session,
        "id": intent.id,
    }


_KEPT = (
    "seq", "at", "until", "act", "tool", "user", "purpose_of_use", "model", "target", "reason", "step",
    "patient", "patients", "outcome", "error", "rows", "refs", "status", "left_the_building", "content",
    "recipient",
)  # fmt: skip


def _told(act: dict[str, Any]) -> dict[str, Any]:
    """An opened act without what only programs need."""
    row = {name: act[name] for name in _KEPT if act.get(name) not in (None, "", [])}
    asked, said = act["asked"] or {}, dict(act["said"] or {})
    if answer := said.pop("answer", None):
        claims = answer["grounding"]["claims"]
        said["answer"] = answer["answer"]
        said["citations"] = [citation["ref"] for citation in answer["citations"]]
        said["unsupported"] = [
            one["text"] for one in claims if one["verdict"] not in ("supported", "not_checkable")
        ]
        said["checked"] = len(claims)
    row |= {"asked": asked, "said": {name: value for name, value in said.items() if value}}
    row["events"] = [f"AuditEvent/{event['id']} {event['state']}" for event in act["events"]]
    return {name: value for name, value in row.items() if value not in ({}, [])}
