"""The notes of one patient's chart: read on first use, kept up with the chart, searched and opened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio

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
from mcp_servers.fhir.client import FhirClient
from mcp_servers.fhir.compartment import PatientLock
from mcp_servers.fhir.errors import FhirToolError, NotPermitted, ServerFailed
from mcp_servers.fhir.notes.attachments import TYPES, Document, attachments, document, own_words
from mcp_servers.fhir.notes.extraction import Extracted, Unreadable
from mcp_servers.fhir.notes.index import Hits, Index
from mcp_servers.fhir.notes.reading import Reader
from mcp_servers.fhir.notes.sentences import Sentence, sentences
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.references import checked
from mcp_servers.fhir.snapshot import Snapshot

# What one call may spend on reading documents before it leaves the rest to the next one.
SECONDS_PER_CALL = 20.0
# The text of all notes of a chart that is held in memory.
MAX_CHARACTERS = 20_000_000

_INCLUDES = {
    "DocumentReference": ("DocumentReference:author",),
    "DiagnosticReport": ("DiagnosticReport:performer", "DiagnosticReport:results-interpreter"),
    "Composition": ("Composition:author",),
}
_USUAL = frozenset({"current", "final"})
_GAP = "\n\n"


@dataclass
class Note:
    """A record with text in it: `row` tells of the record (`ref, date, type, author, status`).

    `kinds` is what it is called, folded; `missing` says why some of its text could not be read; `failed` is
    the error where another try may succeed, or other rights are needed.
    """

    row: Row
    kinds: str
    text: str = ""
    missing: list[str] = field(default_factory=list)
    failed: FhirToolError | None = None


class ChartNotes:
    """The notes of one chart. Hold `turn` around a refresh and what is done with the notes after it."""

    def __init__(self) -> None:
        self.turn = anyio.Lock()
        self.notes: dict[str, Note] = {}
        self.withdrawn: set[str] = set()
        self.waiting: set[str] = set()
        self.seconds_per_call = SECONDS_PER_CALL
        self._index = Index()
        self._snapshot = Snapshot(TYPES, _INCLUDES)
        self._included: dict[str, Resource] = {}
        self._characters = 0

    async def refresh(self, client: FhirClient, lock: PatientLock, call: Call) -> tuple[list[str], bool]:
        """Read what is new in the chart; what to say of it, and whether all of it could be read.

        Notes that this call had no time for are `waiting`. Raises what FhirClient.search raises.
        """
        deadline = anyio.current_time() + self.seconds_per_call
        one_at_a_time = anyio.Lock()
        earlier = set(self.waiting)
        async with Reader() as reader:

            async def take(record: Resource) -> None:
                ref = resource_ref(record)
                self._forget(ref)
                if anyio.current_time() > deadline:
                    self.waiting.add(ref)
                elif entered_in_error(record):
                    self.withdrawn.add(ref)
                elif (note := await self._read(record, reader, client, lock, call)) is not None:
                    self.notes[ref] = note
                    if isinstance(note.failed, ServerFailed):
                        self.waiting.add(ref)

            async def receive(records: list[Resource], included: dict[str, Resource]) -> None:
                async with one_at_a_time:
                    self._included.update(included)
                    for record in records:
                        await take(record)

            changes = await self._snapshot.refresh(client, lock, call, receive=receive)
            for ref in changes.removed:
                self._forget(ref)
            for ref in sorted(earlier & self.waiting):
                if anyio.current_time() < deadline:
                    await take(await client.read(checked(ref), lock, call))
        return changes.notes, changes.complete

    def search(self, text: str, within: list[str], widest: int) -> Hits:
        """The best passages; `within` names the notes to search, newest first. For a thread of its own."""
        return self._index.search(text, within, widest)

    def sentences(self, ref: str) -> list[Sentence]:
        """The sentences of a note. For a thread of its own."""
        return self._index.sentences(ref)

    def _forget(self, ref: str) -> None:
        if (note := self.notes.pop(ref, None)) is not None:
            self._characters -= len(note.text)
            self._index.remove(ref)
        self.withdrawn.discard(ref)
        self.waiting.discard(ref)

    async def _read(
        self, record: Resource, reader: Reader, client: FhirClient, lock: PatientLock, call: Call
    ) -> Note | None:
        """A record's text, in the index; None for a record that holds no documents, as most reports."""
        forms: list[Document | Resource] = [*own_words(record), *attachments(record)]
        if not forms:
            return None
        note = _described(record, self._included)
        parts: dict[str, Extracted] = {}
        for form in forms:
            try:
                found = form if isinstance(form, Document) else await document(form, client, lock, call)
                part = await reader.read(found.data, found.media_type)
                note.missing.extend(part.notes)
                # Renderings of the same words count once.
                parts.setdefault(" ".join(part.text.split()), part)
            except Unreadable as why:
                note.missing.append(str(why))
            except FhirToolError as error:
                note.missing.append(f"its Binary could not be read ({error.kind})")
                if isinstance(error, ServerFailed | NotPermitted):
                    note.failed = error
        text = _GAP.join(part.text for part in parts.values())
        if self._characters + len(text) > MAX_CHARACTERS:
            note.missing.append(f"the chart's notes are longer than {MAX_CHARACTERS:,} characters")
            return note
        await anyio.to_thread.run_sync(self._index.put, note.row["ref"], text, _sentences(parts.values()))
        note.text = text
        self._characters += len(text)
        return note


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
