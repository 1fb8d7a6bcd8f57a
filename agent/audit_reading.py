"""Reads the trail for a person, and puts on the trail that it was read."""

import asyncio
import hashlib
import json
import os
import secrets
import sys
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from agent.accounting import as_csv, as_page, entries
from agent.audit_access import (
    audit_explained,
    audit_ring,
    deliver_events,
    identity,
    open_journal,
    recorder_of,
)
from agent.auditing import existing_journal
from agent.config import Settings
from agent.errors import AuditKeyUnusable, Failed, NavigatorError, UsageError
from agent.fhir_access import EMBEDDED, charts_missing, open_fhir
from agent.questions import patient_reference
from agent.replay import model_of
from agent.spreadsheets import csv_lines

if TYPE_CHECKING:
    import sqlite3

    from mcp_servers.audit.asking.acts import SessionSummary, Sought
    from mcp_servers.audit.chain.content import Content
    from mcp_servers.audit.chain.journal import Journal
    from mcp_servers.audit.identity import Identity
    from mcp_servers.audit.recorder import Recorder

CSV_COLUMNS = (
    "at", "until", "session", "act", "tool", "user", "purpose_of_use", "known_by", "server", "fhir",
    "patient", "patients", "model", "target", "outcome", "error", "rows", "refs", "left_the_building",
    "asked", "said", "content", "events", "id",
)  # fmt: skip


SESSION_COLUMNS = (
    "when (UTC)", "session", "who", "purpose", "patient", "what", "model", "outcome", "left",
)  # fmt: skip

MOST_PATIENTS = 1000
"""Patients whom the record of a reading names; of a reading about more, it tells how many."""

Filters = Mapping[str, Any]
"""`patient`, `person`, `session`, `of_model`, `act`, `outcome`: text; `since`, `until`: datetime."""


def sought(asked: Filters) -> "Sought":
    """The filters as the trail takes them. Raises UsageError for what fits nothing, as it cannot be."""
    from mcp_servers.audit.asking.acts import Sought
    from mcp_servers.audit.chain.record import Act

    if asked.get("act", "tool_call") not in get_args(Act):
        raise UsageError(f"There is no act {asked['act']!r}; there are {', '.join(get_args(Act))}.")
    for name, value in asked.items():
        if value == "":  # as from a variable that a script did not set: it must not mean all
            raise UsageError(
                f"An empty --{name.removeprefix('of_')} fits nothing; leave it out to ask for all."
            )
    if "since" in asked and "until" in asked and asked["until"] <= asked["since"]:
        raise UsageError("--until must come after --since.")
    names = {"person": "user", "of_model": "model"}
    text: dict[str, Any] = {
        names.get(name, name): value for name, value in asked.items() if isinstance(value, str)
    }
    times = {
        name: at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for name, at in asked.items()
        if isinstance(at, datetime)
    }
    patient = {"patient": patient_reference(asked["patient"])} if "patient" in asked else {}
    return replace(Sought(), **{**text, **times, **patient})


@dataclass
class Reading:
    """The trail under the eyes of a person. Told to it is what they were shown.

    `journal` and `recorder` are None where it is read without its key: what was said then stays sealed.
    """

    sought: "Sought"
    db: "sqlite3.Connection"
    content: "Content | None"
    journal: "Journal | None"
    recorder: "Recorder | None"
    by: "Identity"
    rows: int = 0
    patients: dict[str, None] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def acts(self, *, said: bool = True) -> Iterator[dict[str, Any]]:
        """The acts that are sought, opened, in the order in which they began; without `said`, facts alone."""
        from mcp_servers.audit.asking.acts import acts, opened

        for act in acts(self.db, self.sought):
            self.rows += 1
            self.patients.update(dict.fromkeys(act.patients))
            yield opened(self.db, act, self.content if said else None)

    def act(self, wanted: str) -> dict[str, Any] | None:
        """The act with this id, opened, if it is among those that are sought; the others stay sealed."""
        from mcp_servers.audit.asking.acts import acts, opened

        for act in acts(self.db, self.sought):
            if act.intent.id == wanted:
                self.rows += 1
                self.patients.update(dict.fromkeys(act.patients))
                return opened(self.db, act, self.content)
        return None

    def export(self) -> Iterator[bytes]:
        """The lines of an export of these acts, with proofs. Raises AuditKeyUnusable without the key."""
        from mcp_servers.audit.asking.acts import acts
        from mcp_servers.audit.asking.export import exported

        if self.journal is None:
            raise AuditKeyUnusable("An export in JSON lines is signed, and there is no key to sign with.")
        for act in acts(self.db, self.sought):
            self.rows += 2 if act.completion else 1
            self.patients.update(dict.fromkeys(act.patients))
        yield from exported(self.journal, self.sought, self.by, self.content)

    def sessions(self) -> "list[SessionSummary]":
        """What the sessions of these acts did."""
        from mcp_servers.audit.asking.acts import acts, sessions

        found = sessions(acts(self.db, self.sought))
        self.rows = len(found)
        self.patients.update((patient, None) for session in found for patient in session.patients)
        return found


@contextmanager
def reading(
    settings: Settings,
    command: str,
    wanted: "Sought",
    *,
    act: Literal["audit_read", "export"] = "audit_read",
    sealed: bool = False,
) -> Iterator[Reading]:
    """The trail, read for `command`: its intent is on the trail before, its completion after.

    `sealed` leaves what was said sealed; it then works without the key too, unrecorded, as nothing can be
    written without it. Raises UsageError when there is no trail yet, AuditUnavailable when it cannot be
    written: then nothing is read.
    """
    from mcp_servers.audit.asking.acts import last_server
    from mcp_servers.audit.chain import trail
    from mcp_servers.audit.chain.content import Content

    path = existing_journal(settings)
    settings = settings.for_oversight
    by = identity(settings)
    with ExitStack() as stack:
        stack.enter_context(audit_explained())
        try:
            journal = open_journal(settings)
        except AuditKeyUnusable as error:
            if not sealed:
                raise AuditKeyUnusable(f"{error} Without it, --sealed shows what is not sealed.") from None
            yield Reading(wanted, stack.enter_context(trail.reading(path)), None, None, None, by)
            return
        stack.callback(journal.close)
        base = settings.fhir or last_server(path) or EMBEDDED
        # A FHIR store that takes no events must not keep the trail from those who ask why.
        unbounded = settings.model_copy(update={"audit_max_pending": sys.maxsize})
        recorder = recorder_of(unbounded, journal, str(uuid.uuid4()), base)
        query = {name: value for name, value in asdict(wanted).items() if value}
        call = recorder.act(
            act, patient=wanted.patient or None, facts={"tool": command}, said={"query": query}
        )
        found = Reading(
            replace(wanted, before=call.intent.seq if call.intent else 0),
            stack.enter_context(trail.reading(path)),
            None if sealed else Content(audit_ring(settings)),
            journal,
            recorder,
            by,
        )
        try:
            yield found
        except GeneratorExit:  # the reader of our output went away, having read this much
            call.complete("ok", rows=found.rows, facts={**_told(found), "cut_short": True})
            raise
        except BaseException as error:
            call.complete("failed", rows=found.rows, error=type(error).__name__, facts=_told(found))
            raise
        call.complete("ok", rows=found.rows, facts=_told(found))
        _deliver(settings, journal, base)


def _deliver(settings: Settings, journal: "Journal", base: str) -> None:
    """Hand over what was recorded, where this machine is set to reach that FHIR server; else it waits."""
    here = settings.fhir or ("" if charts_missing(settings) else EMBEDDED)
    if here.rstrip("/") != base.rstrip("/"):
        return

    async def delivered() -> None:
        async with open_fhir(settings) as http:
            await deliver_events(settings, journal, http)

    with suppress(NavigatorError):  # what was read is on the trail; its AuditEvents go with the next run
        asyncio.run(delivered())


def _told(found: Reading) -> dict[str, Any]:
    # Not as the completion's `patients`: a FHIR store that does not hold them would reject the event.
    about = list(found.patients) if len(found.patients) <= MOST_PATIENTS else []
    return {**found.facts, "about": about, "about_patients": len(found.patients)}


def sessions(settings: Settings, asked: Filters, *, sealed: bool) -> "list[SessionSummary]":
    """What each session with such an act did, oldest first."""
    with reading(settings, "audit list", sought(asked), sealed=sealed) as found:
        return found.sessions()


def session_row(session: "SessionSummary") -> dict[str, str]:
    """A session as a row of SESSION_COLUMNS."""
    more = len(session.patients) - 1
    return {
        "when (UTC)": session.first[:16].replace("T", " "),
        "session": session.session,
        "who": session.user,
        "purpose": session.purpose,
        "patient": next(iter(session.patients), "") + (f" +{more}" if more > 0 else ""),
        "what": _counted({did: count for did, count in session.did.items() if did != "model_step"}),
        "model": ", ".join(session.models),
        "outcome": _counted(session.outcomes),
        "left": "YES" if session.left else "no" if session.own_client else "not known",
    }


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def undelivered(settings: Settings) -> list[dict[str, Any]]:
    """The AuditEvents that did not arrive, oldest first, in ids and reasons."""
    from mcp_servers.audit.delivery import outbox

    with audit_explained():
        return [asdict(event) for event in outbox.undelivered(existing_journal(settings))]


def depths(settings: Settings) -> list[dict[str, Any]]:
    """How many AuditEvents did not arrive at each destination."""
    from mcp_servers.audit.delivery import outbox

    with audit_explained():
        return [asdict(depth) for depth in outbox.depths(existing_journal(settings))]


def show(settings: Settings, session: str, *, sealed: bool) -> Generator[dict[str, Any]]:
    """The acts of a session, opened. Raises UsageError when there is none."""
    with reading(settings, "audit show", sought({"session": session}), sealed=sealed) as found:
        yield from found.acts()
        if not found.rows:
            raise UsageError(
                f"There is no session {session!r} on record; `ehr-navigator audit list` names them."
            )


def export(settings: Settings, asked: Filters, to: Path, *, sealed: bool) -> str:
    """Write the acts that are asked for into a file, `.csv` or else JSON lines with proofs; what was done.

    Raises UsageError for a file that is there, Failed where it cannot be written.
    """
    kind = _kind(to, "jsonl", "csv")
    with Draft(to) as draft:
        with reading(settings, "audit export", sought(asked), act="export", sealed=sealed) as found:
            if kind == "csv":
                for text in csv_lines(CSV_COLUMNS, map(_flat, found.acts())):
                    draft.write(text.encode())
            else:
                for line in found.export():
                    draft.write(line)
            found.facts = {"format": kind, "records": found.rows, "sha256": draft.sha256}
        draft.publish()
    return f"{found.rows} {'acts' if kind == 'csv' else 'records'} in {to}; SHA-256 {draft.sha256}"


def disclosures(settings: Settings, asked: Filters, to: Path, *, sealed: bool) -> str:
    """Write the accounting of disclosures of a patient into a file, `.html` or `.csv`; what was done."""
    kind, wanted = _kind(to, "html", "csv"), sought(asked)
    with Draft(to) as draft:
        with reading(settings, "audit disclosures", wanted, act="export", sealed=sealed) as found:
            told = entries(found.acts())
            if kind == "csv":
                draft.write("".join(as_csv(told)).encode())
            else:
                period = f"{wanted.since or 'the beginning'} to {wanted.until or 'now'}"
                made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
                page = as_page(told, patient=wanted.patient, period=period, made=made, by=found.by.user)
                draft.write(page.encode())
            found.facts = {"format": kind, "records": len(told), "sha256": draft.sha256}
        draft.publish()
    left = sum(one["kind"] == "disclosure" for one in told)
    return f"{len(told)} accesses, {left} of them disclosures, in {to}; SHA-256 {draft.sha256}"


def _kind(to: Path, *kinds: str) -> str:
    kind = to.suffix.removeprefix(".").lower()
    if kind not in kinds:
        raise UsageError(f"Let the file's name end with .{' or .'.join(kinds)}: {to}")
    return kind


def _flat(act: Mapping[str, Any]) -> dict[str, Any]:
    """An act as a row of CSV_COLUMNS."""
    lists = {name: " ".join(act.get(name) or ()) for name in ("patients", "refs")}
    said = {
        name: json.dumps(act[name], ensure_ascii=False) if act[name] else "" for name in ("asked", "said")
    }
    events = " ".join(f"{event['id']} {event['state']}" for event in act["events"])
    return {**act, **lists, **said, "model": model_of(act), "events": events}


class Draft:
    """A file for its user alone that is there whole, or not at all. Raises UsageError where one is."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise UsageError(f"There is a file {path} already; give another name.")
        self._path = path
        self._fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what was written so far, hex."""
        return self._digest.hexdigest()

    def __enter__(self) -> "Draft":
        with self._explained():
            handle = os.open(self._fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(handle, "wb")
        return self

    def write(self, content: bytes) -> None:
        """Add to it."""
        with self._explained():
            self._file.write(content)
        self._digest.update(content)

    def publish(self) -> None:
        """Let it be there, on disk."""
        with self._explained():
            self._file.flush()
            os.fsync(self._file.fileno())
            os.link(self._fresh, self._path)  # fails where another was made meanwhile

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
        self._fresh.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Failed(f"{self._path} cannot be written ({error.strerror}); nothing was.") from None
