"""search_notes: what the patient's notes say, word for word."""

from itertools import groupby
from typing import Annotated

import anyio
from pydantic import Field

from mcp_servers.fhir.charts.dates import bound, newest_first, span
from mcp_servers.fhir.charts.elements import Row, folded, listed
from mcp_servers.fhir.charts.window import Window
from mcp_servers.fhir.errors import InvalidRequest, NotPermitted, ServerFailed
from mcp_servers.fhir.notes.chart_notes import ChartNotes, Note
from mcp_servers.fhir.notes.index import Hit
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
    window = Window(bound(since, "since"), bound(until, "until"))
    kept = session.keep(lock, ChartNotes)
    async with kept.turn:
        notes, complete = await kept.refresh(session.client, lock, call)
        if reference in kept.notes:
            await kept.recheck([reference], session.client, lock, call)
        if reference is None:
            within = _within(kept, type, window, session.now, notes)
        elif reference in kept.notes:
            within = [reference]
        else:
            raise InvalidRequest(
                f"{reference} is no note of {lock.patient} with text in it; give the `ref` of a passage."
            )
        if text.strip():
            rechecked = False
            while not rechecked:
                hits = await anyio.to_thread.run_sync(kept.search, text, within, _PASSAGE)
                shown = {hit.note for hit in hits.best[place.skip :][:limit]}
                rechecked = await kept.recheck(shown, session.client, lock, call)
                within = [ref for ref in within if ref in kept.notes]
            rows = await anyio.to_thread.run_sync(_rows, hits.best[: place.skip + limit], kept.notes)
            listable, total = len(hits.best), hits.total
            notes += [*hits.notes, _counted(kept, within, total, text), *_left_out(kept, within)]
        elif reference is not None:
            length = len(kept.notes[reference].text)
            if start >= length > 0:
                raise InvalidRequest(f"{reference} ends at {length}: give a `start` before that.")
            rows = await anyio.to_thread.run_sync(_opened, kept, reference, start)
            listable = total = len(rows)
            notes += _left_out(kept, within)
        else:
            raise InvalidRequest("Say in `text` what to look for, or in `reference` which note to open.")
        if not rows:
            _check_all_read(kept, within)
    if listable < total:
        notes.append(f"Only the best {listable} of {total} are listed; add words or dates to narrow it.")
    whole = complete and listable == total and not _unread(kept) and not _failed(kept, within)
    found = Found(rows, total if whole else None, finding_of(rows), notes, listable > len(rows))
    return session.cut(query, found, limit, lock, place)


def _within(kept: ChartNotes, kind: str | None, window: Window, now: str, notes: list[str]) -> list[str]:
    """The notes to search, the newest first; `notes` say which were left out."""
    ours = list(kept.notes.values())
    if kind is not None:
        words = folded(kind).split()
        of_kind = [note for note in ours if all(word in note.kinds for word in words)]
        if ours and not of_kind:
            kinds = sorted({str(note.row["type"]) for note in ours if "type" in note.row})
            notes.append(f"No note is a {kind}; there are: {listed(kinds)}.")
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
    row = {**note.row, **_passage(note.text, hit.sentence.heading, start, end)}
    row |= meanings(hit.words, hit.mentions, hit.sentence.heading)
    if hit.also_in:
        dates = sorted(str(notes[ref].row["date"]) for ref in hit.also_in if "date" in notes[ref].row)
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


def _counted(kept: ChartNotes, within: list[str], total: int, text: str) -> str:
    """How many notes were searched, and what it means when nothing was found."""
    if not kept.notes:
        return "No notes in this chart."
    of = f" of {len(kept.notes)}" if len(within) < len(kept.notes) else ""
    return f"{len(within)}{of} notes searched" + ("." if total else f", none mentions {text}.")


def _left_out(kept: ChartNotes, within: list[str]) -> list[str]:
    """What could not be read, and why."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for ref in within:
        how_much = "Read in part" if kept.notes[ref].text else "Not read"
        for why in kept.notes[ref].missing:
            reasons.setdefault(how_much, {}).setdefault(why, []).append(ref)
    said = [
        f"{how_much}: {'; '.join(f'{listed(refs)}, {why}' for why, refs in whys.items())}."
        for how_much, whys in reasons.items()
    ]
    if kept.withdrawn:
        said.append(f"{len(kept.withdrawn)} entered in error left out.")
    if unread := _unread(kept):
        said.append(f"{unread} notes are not read yet: ask again to go on with them.")
    return said


def _unread(kept: ChartNotes) -> int:
    return len(kept.waiting - kept.notes.keys())


def _failed(kept: ChartNotes, within: list[str]) -> list[str]:
    """The notes of which some text could not be fetched, which another try or other rights may bring."""
    return [ref for ref in within if kept.notes[ref].failed is not None]


def _check_all_read(kept: ChartNotes, within: list[str]) -> None:
    """Nothing found is no finding while text was not read. Raises NotPermitted, ServerFailed."""
    if failed := _failed(kept, within):
        refused = any(isinstance(kept.notes[ref].failed, NotPermitted) for ref in failed)
        raise (NotPermitted if refused else ServerFailed)(
            f"Nothing was found in what could be read, but some text of {listed(failed)} could not be:"
            f" {kept.notes[failed[0]].failed}"
        )
    if unread := _unread(kept):
        raise ServerFailed(f"Nothing was found yet, but {unread} notes are still to be read: ask again.")
