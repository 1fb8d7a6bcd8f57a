"""Questions about the records that the last answer told: why, by whom, when, how much, in range, all of them.

Nothing of that answer was kept: its question is answered again, by the same calls, and its records are read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Literal, get_args

from agent.errors import CannotAnswer
from agent.messages import Action
from agent.models.offline.anchors import Event
from agent.models.offline.chart import AT_ONCE, Row, observations
from agent.models.offline.concepts import read_table
from agent.models.offline.intents import Asked, Intent
from agent.models.offline.intents.durations import ago, lasted
from agent.models.offline.understanding import Part
from agent.models.offline.wording import (
    CITED,
    REFERENCE,
    Draft,
    cite,
    day,
    inline,
    name,
    reason,
    value,
    when,
)
from agent.models.offline.words import words

Told = Literal[
    "why",
    "high",
    "who",
    "when",
    "since",
    "amount",
    "show",
    "before",
    "ago",
    "length",
    "diagnosis",
    "year_before",
    "year_after",
    "ever",
    "now",
]
# More records than this are a list, of which no one can say "that".
_THAT = 3
_EACH = 10
_SOUGHT = 200
_ORDERED = ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")
_REASONED = (*_ORDERED, "Procedure", "Encounter", "ServiceRequest", "Immunization", "CarePlan")
_LASTING = (*_ORDERED, "Condition", "AllergyIntolerance", "CarePlan", "Device")
# Their answers tell the newest record too.
_BEGINNING = ("drug_started", "problem_since")
# What is asked of one record, where a list would tell them all.
_OF_ONE = frozenset({"latest", "when", "why", "reason", "where", "by_whom", "seen_by", "elapsed"})
_SINGULAR = {"are": "is", "were": "was", "have": "has", "do": "does"}
_ISO_DATE = re.compile(r"\b(?:19|20)\d\d\b")
# What the fields of rows that name somebody say of them.
_BY = {
    "requester": "ordered by",
    "performer": "done by",
    "author": "written by",
    "informant": "told by",
    "recorder": "recorded by",
}


@cache
def _phrases() -> tuple[frozenset[str], dict[tuple[str, ...], Told]]:
    table = read_table("followups")
    silent = frozenset(table["silent"])
    said: dict[tuple[str, ...], Told] = {}
    for kind in get_args(Told):
        for phrase in table["told"].get(kind, ()):
            # "What's" loses its verb (agent.models.offline.words).
            for spoken in (phrase, phrase.replace("what is ", "what ")):
                said[_without(spoken, silent)] = kind
    return silent, said


def _without(text: str, silent: frozenset[str]) -> tuple[str, ...]:
    return tuple(_SINGULAR.get(word, word) for word in words(text) if word not in silent)


def asks_of_records(text: str) -> Told | None:
    """What a question that names nothing itself asks of the records just told; None for any other."""
    silent, said = _phrases()
    return said.get(_without(text, silent))


def about_the_told(kind: Told, context: Sequence[Part], back: int = 0) -> Part:
    """The question `kind` about the records that the parts of the last question told, newest part first."""
    last = context[-1]
    answer = partial(_answer, kind, tuple(reversed(context)), back)
    return Part(last.reading, Intent(f"told_{kind}", answer), leaning=True, of_records=True)


def _answer(kind: Told, parts: Sequence[Part], back: int, asked: Asked) -> Draft:
    for part in parts:
        before = replace(asked, reading=part.reading)
        draft = part.intent.answer(before)
        told = list(dict.fromkeys(REFERENCE.findall(draft.text)))
        refs = list(dict.fromkeys([*told, *draft.citations])) if kind == "show" else told
        if _was_told(kind, draft, told):
            return draft
        found = _before(before, part, back) if kind == "before" else _ASKED[kind](asked, _rows(before, refs))
        if found:
            return found
    raise CannotAnswer(asked.wording.say("follow", kind))


def told_event(parts: Sequence[Part], asked: Asked) -> Event:
    """The one record that the answer before told, as the event by which a question tells its time.

    Raises CannotAnswer where it told none, or several of different days.
    """
    part = parts[-1]
    before = replace(asked, reading=part.reading)
    rows = _rows(before, list(dict.fromkeys(REFERENCE.findall(part.intent.answer(before).text))))
    dates = {day(row.get("onset") or row["date"]): row for row in rows if "onset" in row or "date" in row}
    if part.intent.name in _BEGINNING and dates:
        dates = {first: dates[first] for first in [min(dates)]}
    if len(dates) != 1:
        raise CannotAnswer(asked.wording.say("follow", "then"))
    [(date, row)] = dates.items()
    return Event(row["ref"], date, name(row))


def _was_told(kind: Told, draft: Draft, told: Sequence[str]) -> bool:
    """Whether that answer holds this one: the date of the one thing it told, or every record of its list."""
    if kind == "when":
        return 0 < len(told) <= _THAT and _ISO_DATE.search(draft.text) is not None
    return kind == "show" and len(told) > 1 and set(told) >= set(draft.citations)


def _rows(asked: Asked, refs: Sequence[str]) -> list[Row]:
    """The row of each record; a result of which only statistics were read is looked up among all."""
    rows = [asked.chart.row(ref) or {"ref": ref} for ref in refs]
    if any(_kind(row) == "Observation" and "value" not in row and "absent" not in row for row in rows):
        concepts = asked.reading.concepts("measurement")
        calls = [observations(one.name, "series", limit=_SOUGHT, **asked.window) for one in concepts]
        if calls:
            asked.chart.fetch_all(calls)
            rows = [asked.chart.row(ref, "value") or row for ref, row in zip(refs, rows, strict=True)]
    return rows


def _kind(row: Row) -> str:
    return str(row["ref"]).partition("/")[0]


def _each(rows: Sequence[Row], said: Callable[[Row], str]) -> Draft | None:
    chosen = rows[:_EACH]
    if not chosen:
        return None
    text = "; ".join(f"{said(row)} {cite([row['ref']])}" for row in chosen)
    more = "; and others" if len(rows) > len(chosen) else ""
    return Draft(f"{text[:1].upper()}{text[1:]}{more}.", tuple(row["ref"] for row in chosen))


def _why(_: Asked, rows: list[Row]) -> Draft | None:
    def said(row: Row) -> str:
        given = [reason(row)] if "reason" in row or "status_reason" not in row else []
        if "status_reason" in row:
            given.append(f"{row.get('status', 'its status')} because {inline(row['status_reason'])}")
        return f"{name(row)}{when(row)}: {', '.join(given)}"

    return _each([row for row in rows if _kind(row) in _REASONED], said)


def _high(_: Asked, rows: list[Row]) -> Draft | None:
    """The interpretation and the range that the record has; whether a value is high is not ours to say."""

    def said(row: Row) -> str:
        recorded = [
            f"{label} {row[field]}"
            for field, label in (("interpretation", "interpretation"), ("range", "reference range"))
            if field in row
        ]
        as_recorded = ", ".join(recorded) or "no interpretation and no reference range recorded"
        return f"{name(row)} {value(row)}{when(row)}: {as_recorded}"

    return _each([row for row in rows if "value" in row or "absent" in row], said)


def _who(asked: Asked, rows: list[Row]) -> Draft | None:
    unnamed = [row["ref"] for row in rows if not row.keys() & _BY.keys()]
    if len(unnamed) > AT_ONCE:
        return None
    calls = [Action(tool="fhir_read", arguments={"reference": ref}) for ref in unnamed]
    whole = {row["ref"]: row["resource"] for found in asked.chart.fetch_all(calls) for row in found.rows}
    rows = [{**row, **_named(whole.get(row["ref"], {}))} for row in rows]

    def said(row: Row) -> str:
        people = [f"{label} {row[field]}" for field, label in _BY.items() if row.get(field)]
        return f"{name(row)}{when(row)}: {', '.join(people) or 'the record names no one'}"

    return _each(rows, said)


def _named(resource: Row) -> Row:
    """The people that a whole record names, by the fields of rows."""
    found: Row = {}
    for field, key in (
        ("requester", "requester"),
        ("performer", "performer"),
        ("recorder", "recorder"),
        ("asserter", "informant"),
        ("author", "author"),
        ("participant", "performer"),
    ):
        entries = resource.get(field) or []
        for entry in entries if isinstance(entries, list) else [entries]:
            person = entry.get("actor") or entry.get("individual") or entry
            if person.get("display") or person.get("reference"):
                found.setdefault(key, person.get("display") or person["reference"])
    return found


def _when(_: Asked, rows: list[Row]) -> Draft | None:
    return _each(rows, lambda row: f"{name(row)}{when(row)}") if len(rows) <= _THAT else None


def _ago(asked: Asked, rows: list[Row]) -> Draft | None:
    def said(row: Row) -> str:
        return f"{ago(row.get('date'), asked.now)}{name(row)}{when(row)}"

    return _each(rows, said) if len(rows) <= _THAT else None


def _length(_: Asked, rows: list[Row]) -> Draft | None:
    """How long each visit lasted; one that begins and ends on a day lasted no whole one."""

    def said(row: Row) -> str:
        if "end" not in row:
            return f"No end is recorded: {name(row)}{when(row)}"
        first, last = day(row.get("date", "")), day(row["end"])
        long = "Less than a day" if first == last else lasted(first, last) or "How long is not recorded"
        return f"{long}: {name(row)}, {first} to {last}"

    return _each([row for row in rows if _kind(row) == "Encounter"], said)


def _since(_: Asked, rows: list[Row]) -> Draft | None:
    def said(row: Row) -> str:
        for field, label in (("onset", "onset"), ("first_date", "first recorded"), ("date", "recorded")):
            if field in row:
                return f"{name(row)}: {label} {day(row[field])}"
        return f"{name(row)}: no date recorded"

    return _each([row for row in rows if _kind(row) in _LASTING], said)


def _amount(_: Asked, rows: list[Row]) -> Draft | None:
    def said(row: Row) -> str:
        if _kind(row) in _ORDERED:
            return f"{name(row)}{when(row)}: {inline(row['dose']) if 'dose' in row else 'no dose recorded'}"
        return f"{name(row)} {value(row)}{when(row)}"

    return _each([row for row in rows if _kind(row) in _ORDERED or "value" in row], said)


def _show(_: Asked, rows: list[Row]) -> Draft | None:
    def said(row: Row) -> str:
        amount = f" {value(row)}" if "value" in row or "absent" in row else ""
        return f"{name(row)}{amount}{when(row)}"

    return _each(rows, said)


def _before(asked: Asked, part: Part, back: int) -> Draft | None:
    """The record `back` places before the newest told, among all that a list of the same kind counts."""
    from agent.models.offline.intents import intent_of

    reading = replace(part.reading, cues=part.reading.cues - _OF_ONE | {"list"}, n=None)
    listing = intent_of(reading)
    if listing is None:
        return None
    draft = listing.answer(replace(asked, reading=reading))
    refs = draft.citations
    if not refs or draft.status != "answered" or (len(refs) <= back and len(refs) >= CITED):
        return None
    row = asked.chart.row(refs[min(back, len(refs) - 1)]) or {"ref": refs[-1]}
    if len(refs) <= back:
        return Draft(f"None is recorded before {name(row)}{when(row)} {cite(refs[-1:])}.", refs[-1:])
    also = f", {reason(row)}" if _kind(row) in _REASONED else ""
    return Draft(f"Before that: {name(row)}{when(row)}{also} {cite([row['ref']])}.", (row["ref"],))


_ASKED: Mapping[Told, Callable[[Asked, list[Row]], Draft | None]] = {
    "why": _why,
    "high": _high,
    "who": _who,
    "when": _when,
    "ago": _ago,
    "length": _length,
    "since": _since,
    "amount": _amount,
    "show": _show,
}
