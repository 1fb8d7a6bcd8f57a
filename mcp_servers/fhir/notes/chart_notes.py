"""The notes of one patient's chart: read on first use, kept up with the chart, searched and opened."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.access.references import checked
from mcp_servers.fhir.charts import Search
from mcp_servers.fhir.charts.documents import document_row, report_row
from mcp_servers.fhir.charts.elements import (
    Resource,
    Row,
    concept_names,
    entered_in_error,
    folded,
    joined,
    resource_ref,
)
from mcp_servers.fhir.errors import FhirToolError, PatientLocked, ServerFailed
from mcp_servers.fhir.notes.attachments import TYPES, Document, attachments, binary, document, own_words
from mcp_servers.fhir.notes.extraction import Extracted, Unreadable
from mcp_servers.fhir.notes.index import Hits, Index
from mcp_servers.fhir.notes.reading import SHORT, Reader
from mcp_servers.fhir.notes.sentences import Sentence, sentences
from mcp_servers.fhir.reading.gathering import at_once, gather_by_id
from mcp_servers.fhir.reading.snapshot import Snapshot
from mcp_servers.fhir.recording import Call

# What one call may spend on reading documents before it leaves the rest to the next one.
SECONDS_PER_CALL = 20.0
# The text of all notes of a chart that is held in memory.
MAX_CHARACTERS = 20_000_000
# Notes whose Binaries one call fetches again before it says that no note mentions something.
RECHECKED_PER_CALL = 40

# So many notes are checked before it is asked whether to go on.
_FEW = 4
_INCLUDES = {
    "DocumentReference": ("DocumentReference:author",),
    "DiagnosticReport": ("DiagnosticReport:performer", "DiagnosticReport:results-interpreter"),
    "Composition": ("Composition:author",),
}
_USUAL = frozenset({"current", "final"})
_GAP = "\n\n"
# Why a Binary, or the record itself, could not be read, by the kind of the error.
_WHY_FILE = {
    "not_permitted": "reading its file is not permitted",
    "patient_locked": "its file is not there, or not this patient's",
    "server_failed": "the server failed to send its file",
}
_WHY_RECORD = {
    "not_permitted": "reading its record is not permitted",
    "patient_locked": "gone since it was read",
    "server_failed": "the server failed to send its record",
}
_NOT_YET = "no time for it yet, ask again to go on"


@dataclass
class Note:
    """A record with text in it: `row` tells of the record (`ref, date, type, author, status`).

    `kinds` is what it is called, folded; `missing` says why some of its text could not be read; `failed` is
    the error where another try, more time or other rights may bring it. `digest` tells what was read from
    what may be read later, and is None where nothing was; `elsewhere` says that some of it is still to be
    read or lies in Binaries, which change by themselves, and `checked_at` when it was last seen that they
    had not (seconds of anyio's clock).
    """

    row: Row
    kinds: str
    text: str = ""
    missing: list[str] = field(default_factory=list)
    failed: FhirToolError | None = None
    digest: str | None = None
    elsewhere: bool = False
    checked_at: float = field(default_factory=anyio.current_time)


class ChartNotes:
    """The notes of one chart. Hold `turn` around a refresh and what is done with the notes after it.

    `read` says that a refresh has gone through the chart.
    """

    def __init__(self) -> None:
        self.turn = anyio.Lock()
        self.notes: dict[str, Note] = {}
        self.withdrawn: set[str] = set()
        self.read = False
        self.seconds_per_call = SECONDS_PER_CALL
        self.rechecked_per_call = RECHECKED_PER_CALL
        self._index = Index()
        self._snapshot = Snapshot(TYPES, _INCLUDES)
        self._included: dict[str, Resource] = {}
        self._characters = 0
        self._deadline = 0.0
        self._just_read: set[str] = set()

    async def refresh(
        self, client: FhirClient, lock: PatientLock, call: Call, *, only: str | None = None
    ) -> tuple[list[str], bool]:
        """Read what is new in the chart, then what was left; what to say, and whether every record came.

        With `only`, a reference, nothing but that note is read. Raises what FhirClient.search raises.
        """
        self._deadline = anyio.current_time() + self.seconds_per_call
        self._just_read.clear()
        one_at_a_time = anyio.Lock()
        async with Reader() as reader:

            async def receive(records: list[Resource], included: dict[str, Resource]) -> None:
                async with one_at_a_time:
                    self._included.update(included)
                    for record in records:
                        await self._take(record, reader, client, lock, call)

            if only is not None:
                kind, _, identity = only.partition("/")
                if kind not in TYPES or not identity:
                    return [], True
                search = Search(kind, includes=_INCLUDES.get(kind, ()))
                found = await gather_by_id(client, search, [identity], lock, call)
                await receive(found.resources, found.included)
                return found.notes, found.complete
            try:
                changes = await self._snapshot.refresh(client, lock, call, receive)
            except BaseException:  # the snapshot, as it was before, would not tell that one of these is gone
                for ref in self._just_read:
                    self._forget(ref)
                raise
            for ref in changes.removed:
                self._forget(ref)
        self.read = True
        await self._retry(client, lock, call)
        return changes.notes, changes.complete

    async def recheck(self, refs: Iterable[str], client: FhirClient, lock: PatientLock, call: Call) -> bool:
        """Whether these notes still hold what was read of them; those that do not are read anew.

        A note's version tells nothing of its Binaries, nor who may read them by now: they are fetched again,
        unless this call has read them. A note that cannot be read any more is held without its text.
        """
        stale: dict[str, Resource | FhirToolError] = {}

        async def check(ref: str) -> None:
            try:
                record = await client.read(checked(ref), lock, call)
                before = self.notes[ref].digest
                if before is None or await _digest(record, client, lock, call) != before:
                    stale[ref] = record
            except FhirToolError as error:
                if self.notes[ref].digest != _no_record(error):
                    stale[ref] = error
            self._just_read.add(ref)
            self.notes[ref].checked_at = anyio.current_time()

        await at_once([partial(check, ref) for ref in self.unchecked(refs)])
        async with Reader() as reader:
            for ref, found in stale.items():
                if not isinstance(found, FhirToolError):
                    await self._take(found, reader, client, lock, call)
                    continue
                note, gone = self.notes[ref], isinstance(found, PatientLocked)
                self._forget(ref)
                self.notes[ref] = Note(
                    note.row, note.kinds, missing=[_why(found, _WHY_RECORD)], failed=None if gone else found,
                    digest=_no_record(found), elsewhere=not gone,
                )  # fmt: skip
        return not stale

    async def recheck_all(self, refs: list[str], client: FhirClient, lock: PatientLock, call: Call) -> bool:
        """`recheck` of as many as one call may fetch and has time for; it ends where some changed."""
        left = self.unchecked(refs)[: self.rechecked_per_call]
        while left and self._in_time():
            few, left = left[:_FEW], left[_FEW:]
            if not await self.recheck(few, client, lock, call):
                return False
        return True

    def unchecked(self, refs: Iterable[str]) -> list[str]:
        """The notes among these whose Binaries this call has not fetched, those of the longest ago first."""
        ours = [ref for ref in refs if self.notes[ref].elsewhere and ref not in self._just_read]
        return sorted(ours, key=lambda ref: self.notes[ref].checked_at)

    async def _retry(self, client: FhirClient, lock: PatientLock, call: Call) -> None:
        """Read what is not read yet or could not be: a few notes, the next while that changes something."""
        left = self.unchecked(ref for ref, note in self.notes.items() if note.failed is not None)
        while left and self._in_time():
            few, left = left[:_FEW], left[_FEW:]
            if await self.recheck(few, client, lock, call):
                break

    def _in_time(self) -> bool:
        """Whether this call may go on reading."""
        return anyio.current_time() < self._deadline

    def search(self, text: str, within: list[str], widest: int) -> Hits:
        """The best passages; `within` names the notes to search, newest first. For a thread of its own."""
        return self._index.search(text, within, widest)

    def sentences(self, ref: str) -> list[Sentence]:
        """The sentences of a note. For a thread of its own."""
        return self._index.sentences(ref)

    async def _take(
        self, record: Resource, reader: Reader, client: FhirClient, lock: PatientLock, call: Call
    ) -> None:
        """Hold a record as it is now, without its text where this call has no time left."""
        ref = resource_ref(record)
        self._forget(ref)
        self._just_read.add(ref)
        if entered_in_error(record):
            self.withdrawn.add(ref)
        elif own_words(record) or attachments(record):  # most reports hold neither
            # Until it is read, as the call may be given up before; then it is the first to be tried again.
            self.notes[ref] = replace(
                _described(record, self._included),
                missing=[_NOT_YET], failed=ServerFailed(f"{_NOT_YET}."), elsewhere=True, checked_at=0.0,
            )  # fmt: skip
            if self._in_time():
                self.notes[ref] = await self._read(record, reader, client, lock, call)

    def _forget(self, ref: str) -> None:
        if (note := self.notes.pop(ref, None)) is not None:
            self._characters -= len(note.text)
            self._index.remove(ref)
        self.withdrawn.discard(ref)

    async def _read(
        self, record: Resource, reader: Reader, client: FhirClient, lock: PatientLock, call: Call
    ) -> Note:
        """A record's note with its text, which is in the index then."""
        note = _described(record, self._included)
        note.elsewhere = any(binary(attachment) for attachment in attachments(record))
        parts: dict[str, Extracted] = {}
        marks: list[str] = []
        async for found in _documents(record, client, lock, call):
            marks.append(_mark(found))
            try:
                if not isinstance(found, Document):
                    raise found
                part = await reader.read(found.data, found.media_type)
                note.missing.extend(part.notes)
                # Renderings of the same words count once.
                parts.setdefault(" ".join(part.text.split()), part)
            except Unreadable as why:
                note.missing.append(str(why))
            except FhirToolError as error:
                note.missing.append(_why(error, _WHY_FILE))
                if note.failed is None or not isinstance(error, PatientLocked):
                    note.failed = error
        note.digest = " ".join(marks)
        text = _GAP.join(part.text for part in parts.values())
        if self._characters + len(text) > MAX_CHARACTERS:
            note.missing.append(f"the chart's notes are longer than {MAX_CHARACTERS:,} characters")
            return note
        put = partial(self._index.put, note.row["ref"], text, _sentences(parts.values()))
        if len(text) <= SHORT:
            await checkpoint()  # other calls go on between two notes, and one that is given up ends here
            put()
        else:
            await anyio.to_thread.run_sync(put)
        note.text = text
        self._characters += len(text)
        return note


async def _documents(
    record: Resource, client: FhirClient, lock: PatientLock, call: Call
) -> AsyncIterator[Document | Unreadable | FhirToolError]:
    """The documents of a record in their order, or why one of them is not to be had."""
    for words in own_words(record):
        yield words
    for attachment in attachments(record):
        found: Document | Unreadable | FhirToolError
        try:
            found = await document(attachment, client, lock, call)
        except (Unreadable, FhirToolError) as error:
            found = error
        yield found


async def _digest(record: Resource, client: FhirClient, lock: PatientLock, call: Call) -> str:
    return " ".join([_mark(found) async for found in _documents(record, client, lock, call)])


def _mark(found: Document | Unreadable | FhirToolError) -> str:
    """What tells a document, or why there is none, from another."""
    if isinstance(found, Document):
        return sha256(found.media_type.encode(errors="replace") + b"\0" + found.data).hexdigest()
    return type(found).__name__


def _no_record(error: FhirToolError) -> str:
    """The digest of a note whose record cannot be read."""
    return f"no record: {_mark(error)}"


def _why(error: FhirToolError, reasons: dict[str, str]) -> str:
    return reasons.get(error.kind, f"it could not be read ({error.kind})")


def _described(record: Resource, included: dict[str, Resource]) -> Note:
    if record["resourceType"] == "DiagnosticReport":
        row = report_row(record, included)
        kind = row.get("name")
    else:
        row = document_row(record, included)
        kind = row.get("type") or row.get("name")
    status = joined((said for said in (row.get("status"), row.get("doc_status")) if said not in _USUAL), ", ")
    told = {"ref": resource_ref(record), "date": row.get("date"), "type": kind, "author": row.get("author"),
            "status": status}  # fmt: skip
    names: list[Any] = [row.get("name"), row.get("type"), row.get("description")]
    names += [name for element in ("type", "code", "category") for name in concept_names(record.get(element))]
    return Note(
        {name: value for name, value in told.items() if value is not None},
        folded(" ".join(name for name in names if name)),
    )


def _sentences(parts: Iterable[Extracted]) -> Iterator[Sentence]:
    """The sentences of the parts of a text; no heading reaches into the next part."""
    at = 0
    for part in parts:
        for start, end, heading in sentences(part.text, part.headings):
            yield Sentence(start + at, end + at, heading)
        at += len(part.text) + len(_GAP)
