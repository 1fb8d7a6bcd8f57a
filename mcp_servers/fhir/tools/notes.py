"""search_notes: what the patient's notes say, word for word."""

from collections import defaultdict
from itertools import groupby
from math import ceil
from typing import Annotated

import anyio
from pydantic import Field

from mcp_servers.fhir.charts.dates import newest_first, span
from mcp_servers.fhir.charts.elements import Row, folded, listed
from mcp_servers.fhir.charts.window import Window
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, NotPermitted, PatientLocked, ServerFailed
from mcp_servers.fhir.notes.chart_notes import ChartNotes, Note
from mcp_servers.fhir.notes.index import Hit, Hits
from mcp_servers.fhir.notes.mentions import meanings
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.tools.cursors import place_of
from mcp_servers.fhir.tools.session import (
    Answer,
    ChartSession,
    Cursor,
    Date,
    Found,
    Limit,
    Patient,
    Text,
    finding_of,
    query_key,
)

_PASSAGE = 300
_OPENED = 1000
# Of the types of note in a chart, so many are named where none is of the type asked for.
_KINDS = 12
# Of what could not be read: so many reasons by themselves, with the names of so many notes each.
_REASONS = 4
_NAMED = 2


async def search_notes(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    text: Annotated[Text, Field(description='Words, or a "phrase"')] = "",
    type: Annotated[Text | None, Field(description="Such as discharge summary")] = None,  # noqa: A002
    since: Date | None = None,
    until: Date | None = None,
    reference: Annotated[
        str | None, Field(max_length=140, description="Only this note; without text, opens it at start")
    ] = None,
    start: Annotated[int, Field(ge=0)] = 0,
    limit: Limit = 10,
    cursor: Cursor | None = None,
) -> Answer:
    """Passages of notes, letters and reports that mention something, quoted. `negated`, `family`,
    `hypothetical` and `historical` tell mentions that are no present finding. Example: text "chest pain"."""
    lock = await session.lock(patient, call)
    query = query_key("search_notes", lock, text, type, since, until, reference, start)
    place = place_of(query, cursor)
    window = Window.of(since, until)
    kept = session.keep(lock, ChartNotes)
    # To open one note, the others need not be read: of a long chart they take seconds.
    only = None if kept.read else reference
    kept = kept if only is None else ChartNotes()
    async with kept.turn:
        notes: list[str] = []
        reading, complete = await kept.refresh(session.client, lock, call, only=only)
        if reference in kept.notes:
            await kept.recheck([reference], session.client, lock, call)
        if reference is None:
            within = _within(kept, type, window, session.now, notes)
        elif reference in kept.notes:
            within = [reference]
        else:
            raise _no_note(kept, reference, lock.patient)
        if text.strip():
            rechecked = False
            while not rechecked:
                hits = await anyio.to_thread.run_sync(kept.search, text, within, _PASSAGE)
                if hits.best:
                    shown = {hit.note for hit in hits.best[place.skip :][:limit]}
                    rechecked = await kept.recheck(shown, session.client, lock, call)
                else:
                    rechecked = await kept.recheck_all(within, session.client, lock, call)
                within = [ref for ref in within if ref in kept.notes]
            rows = await anyio.to_thread.run_sync(_rows, hits.best[: place.skip + limit], kept.notes)
            listable, total = len(hits.best), hits.total
            notes += [
                *hits.notes,
                *_counted(kept, within, hits, text),
            ]
            reading = [*reading, *_left_out(kept, within, named=not rows)]
            if kept.withdrawn and reference is None:
                notes.append(f"{len(kept.withdrawn)} entered in error left out.")
        elif reference is not None:
            length = len(kept.notes[reference].text)
            if start >= length > 0:
                raise InvalidRequest(f"{reference} ends at {length}: give a `start` before that.")
            rows = await anyio.to_thread.run_sync(_opened, kept, reference, start)
            listable = total = len(rows)
            reading = [*reading, *_left_out(kept, within, named=False)]
        else:
            raise InvalidRequest("Say in `text` what to look for, or in `reference` which note to open.")
        if not rows:
            _check_all_read(kept, within)
    if listable < total:
        notes.append(f"Only the best {listable} of {total} are listed; add words or dates to narrow it.")
    whole = complete and listable == total and not _failed(kept, within)
    found = Found(rows, total if whole else None, finding_of(rows), notes, reading, listable > len(rows))
    return await session.cut(query, found, limit, lock, place)


def _within(kept: ChartNotes, kind: str | None, window: Window, now: str, notes: list[str]) -> list[str]:
    """The notes to search, the newest first; `notes` say which were left out."""
    ours = list(kept.notes.values())
    if kind is not None:
        words = folded(kind).split()
        of_kind = [note for note in ours if all(word in note.kinds for word in words)]
        if ours and not of_kind:
            kinds = sorted({str(note.row["type"]) for note in ours if "type" in note.row})
            notes.append(f"No note is of type {kind}; there are: {listed(kinds, _KINDS)}.")
        ours = of_kind
    rows = window.rows([note.row for note in ours], notes, span(now))
    return [row["ref"] for row in sorted(rows, key=lambda row: newest_first(row.get("date")))]


def _rows(hits: list[Hit], notes: dict[str, Note]) -> list[Row]:
    """The passages of hits. For a thread of its own: how a long sentence is meant takes a while to tell."""
    return [_row(hit, notes) for hit in hits]


def _row(hit: Hit, notes: dict[str, Note]) -> Row:
    """A passage: which note it is of, where it stands there, its words, and how they are meant."""
    note = notes[hit.note]
    start, end = hit.around
    if end - start > _PASSAGE:
        start, end = _about_the_mention(note.text, hit)
    lacks = {"lacks": ", ".join(hit.lacks)} if hit.lacks else {}
    row = {**note.row, **lacks, **_passage(note.text, hit.sentence.heading, start, end)}
    row |= meanings(hit.words, hit.mentions, hit.sentence.heading)
    if hit.also_in:
        dates = sorted(str(notes[ref].row["date"])[:10] for ref in hit.also_in if "date" in notes[ref].row)
        others = "1 other note" if len(hit.also_in) == 1 else f"{len(hit.also_in)} other notes"
        row["also_in"] = others + (f", the first of {dates[0]}" if dates else "")
    return row


def _passage(text: str, heading: str | None, start: int, end: int) -> Row:
    under = {} if heading is None else {"heading": heading}
    return {**under, "start": start, "end": end, "passage": text[start:end]}


def _about_the_mention(text: str, hit: Hit) -> tuple[int, int]:
    """The part of a long sentence around its first mention, cut between words."""
    first, last = (hit.sentence.start + offset for offset in hit.mentions[0])
    start = max(hit.sentence.start, first - _PASSAGE // 3)
    end = max(last, min(hit.sentence.end, start + _PASSAGE))
    if start > hit.sentence.start:
        start = text.find(" ", start, first) + 1 or first
    if end < hit.sentence.end:
        end = max(text.rfind(" ", last, end), last)
    return start, end


def _opened(kept: ChartNotes, reference: str, start: int) -> list[Row]:
    """The text of a note from `start` on, in passages of whole sentences under one heading. For a thread."""
    rows: list[Row] = []
    note = kept.notes[reference]
    following = (sentence for sentence in kept.sentences(reference) if sentence.end > start)
    for heading, group in groupby(following, key=lambda sentence: sentence.heading):
        begin, end = -1, -1
        for sentence in group:
            if begin >= 0 and sentence.end - begin > _OPENED:
                rows.append({**note.row, **_passage(note.text, heading, begin, end)})
                begin = -1
            begin, end = (sentence.start if begin < 0 else begin), sentence.end
        rows.append({**note.row, **_passage(note.text, heading, begin, end)})
    return rows


def _counted(kept: ChartNotes, within: list[str], hits: Hits, text: str) -> list[str]:
    """How many notes were searched, and what it means when nothing was found."""
    if not kept.notes:
        return ["No notes in this chart."]
    terms = [f'"{term}"' if " " in term else term for term in hits.terms] or [text]
    held, searched = len(kept.notes), sum(bool(kept.notes[ref].text) for ref in within)
    if not searched:
        return [f"None of {held} notes was searched, so nothing is known of {listed(terms)}."]
    of = f"{searched} of {held} notes" if searched < held else "1 note" if held == 1 else f"{held} notes"
    said = f"{of} searched"
    if hits.best:
        return [f"{said}."]
    mentioned = terms[0] if len(terms) == 1 else f"any of: {listed(terms)}"
    notes = [f"{said}, none mentions {mentioned}. Other words for it were not searched."]
    if unchecked := kept.unchecked(within):
        minutes = ceil((anyio.current_time() - kept.notes[unchecked[0]].checked_at) / 60)
        notes.append(
            f"The text of {len(unchecked)} is as it was up to {minutes} min ago, the rest as it is now."
        )
    return notes


def _left_out(kept: ChartNotes, within: list[str], *, named: bool) -> list[str]:
    """How many notes could not be read, why, and, if `named`, which."""
    said: list[str] = []
    for how, whole in (("not read", False), ("read in part", True)):
        reasons: dict[str, list[str]] = defaultdict(list)
        for ref in within:
            if bool(kept.notes[ref].text) == whole:
                for why in dict.fromkeys(kept.notes[ref].missing):
                    reasons[why].append(ref)
        if reasons:
            number = len({ref for refs in reasons.values() for ref in refs})
            said.append(f"{number} {how}: {'; '.join(_reasons(reasons, named=named))}.")
    return said


def _reasons(reasons: dict[str, list[str]], *, named: bool) -> list[str]:
    """The commonest reasons with their notes, named or counted, and the others as one."""
    ordered = sorted(reasons.items(), key=lambda reason: -len(reason[1]))
    if others := [ref for _, refs in ordered[_REASONS:] for ref in refs]:
        ordered[_REASONS:] = [("other reasons", list(dict.fromkeys(others)))]
    told = [(why, listed(refs, _NAMED) if named else str(len(refs))) for why, refs in ordered]
    return [why if which == "1" else f"{why} ({which})" for why, which in told]


def _failed(kept: ChartNotes, within: list[str]) -> dict[str, FhirToolError]:
    """The notes of which some text could not be fetched, though it may be the patient's, and why."""
    failures = {ref: failed for ref in within if (failed := kept.notes[ref].failed) is not None}
    return {ref: failed for ref, failed in failures.items() if not isinstance(failed, PatientLocked)}


def _no_note(kept: ChartNotes, reference: str, patient: str) -> InvalidRequest:
    """Why a reference cannot be opened."""
    if reference in kept.withdrawn:
        return InvalidRequest(f"{reference} is entered in error, so it is left out.")
    return InvalidRequest(
        f"{reference} is no note of {patient} with text in it; give the `ref` of a passage."
    )


def _check_all_read(kept: ChartNotes, within: list[str]) -> None:
    """Nothing found is no finding while text was not read. Raises NotPermitted, ServerFailed."""
    if failed := _failed(kept, within):
        refused = [why for why in failed.values() if isinstance(why, NotPermitted)]
        raise (NotPermitted if refused else ServerFailed)(
            f"Nothing was found in what could be read, but some text of {listed(list(failed))} could not be:"
            f" {[*refused, *failed.values()][0]}"
        )
