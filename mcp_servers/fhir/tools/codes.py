"""lookup_code: words to codes, codes to words, drugs to classes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

from anyio import to_thread
from pydantic import Field

from mcp_servers.fhir import terminology
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.charts import SEARCHES, Search, short_name
from mcp_servers.fhir.charts.elements import concept_text, resource_ref, why_withdrawn
from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.errors import FhirToolError, InvalidRequest, NotPermitted, ServerFailed
from mcp_servers.fhir.reading.gathering import (
    PAGE_SIZE,
    Gathered,
    Resource,
    check_answered,
    each_answered,
    gather_answered,
    not_read,
)
from mcp_servers.fhir.reading.inventory import Inventory, Measurements
from mcp_servers.fhir.reading.measuring import Chart, Reading, read_known
from mcp_servers.fhir.reading.paging import read_pages
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.terminology import ChartCode, Code, Concept, Meaning, charted
from mcp_servers.fhir.tools.session import Answer, ChartSession, Patient, Row, Text

_MOST = 50
_SYNONYMS = 6
_CODES = 6
_COUNTED = 8  # codes of measurements whose records the server is asked to count
_READ_TO_COUNT = 1_000  # records of a measurement beyond which the server is asked
_TOKENS = 100
_SAME = ("equal", "equivalent")

_MEDICATIONS = tuple(search for search in SEARCHES["medications"] if search.resource_type != "Condition")
_READ: dict[terminology.Kind, tuple[Search, ...]] = {
    "condition": SEARCHES["problems"],
    "drug": (*_MEDICATIONS, *SEARCHES["allergies"]),
    "class": (*_MEDICATIONS, *SEARCHES["allergies"]),
    "measurement": (),
    "panel": (),
    "vaccine": SEARCHES["immunizations"],
    "procedure": SEARCHES["procedures"],
    "imaging": SEARCHES["procedures"],
    "substance": SEARCHES["allergies"],
}
_RECORDS: dict[terminology.Kind, tuple[str, ...]] = {
    "condition": ("problems",),
    "drug": ("medications", "allergies"),
    "class": ("medications", "allergies"),
    "measurement": ("measurements",),
    "panel": ("measurements",),
    "vaccine": ("immunizations",),
    "procedure": ("procedures",),
    "imaging": ("procedures",),
    "substance": ("allergies",),
}


async def lookup_code(
    session: ChartSession,
    call: Call,
    patient: Patient,
    *,
    text: Annotated[Text, Field(description="A word, a drug class, a code, or system|code")],
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 12,
) -> Answer:
    """The codes that a term stands for, in this chart and in the dictionary, with synonyms; a drug's classes,
    a class's drugs. Use it when a search needs a code. Example: text "ACE inhibitors"."""
    if not any(map(str.isalnum, text)) or text.count("|") > 1 or text.strip().endswith("|"):
        raise InvalidRequest("Give one word, name or code at a time, a code as system|code: `LOINC|4548-4`.")
    lock = await session.lock(patient, call)
    found = terminology.find(text)
    meaning = terminology.meaning_of(text, found.concepts)
    notes = [found.note] if found.note else []
    known: list[Row] = []
    if meaning.system and not found.concepts:
        with _noting_failures(notes):
            known, meaning = await _mapped(session, meaning, call)
    kinds = {concept.kind for concept in found.concepts} or set(_READ)
    gathered = await gather_answered(session.client, _searches(kinds), lock, call)
    codes, left_out = await to_thread.run_sync(charted, gathered.resources, gathered.included, meaning)
    if kinds & {"measurement", "panel"}:
        read = partial(_measurements, session, lock, meaning, gathered, call)
        [found_measured], refused = await each_answered([("Observation", read)])
        gathered.merge(Gathered(unanswered=refused, complete=not refused))
        measured, wrong = found_measured or ([], Counter())
        codes, left_out = codes + measured, left_out + wrong
    if not codes:
        check_answered(gathered.unanswered)
    if not codes and not found.concepts:
        with _noting_failures(notes):
            known = [*await _of_server(session, text, meaning, notes, call), *known]
    rows = [*map(_chart_row, codes), *map(_row, found.concepts), *known]
    notes += [*not_read(gathered.unanswered), *_memberships(found.concepts), *gathered.notes]
    notes += _related_allergies(text, found.concepts, meaning, gathered.resources)
    notes += [f"{n} records {why} are not counted." for why, n in left_out.items()]
    if not codes:
        notes.append(_nowhere(text, meaning, kinds, known=bool(rows)))
    elif meaning.code and not any(meaning.gives(one.system, one.code) for one in codes):
        others = (
            " or ".join(one.name for one in found.concepts) or "what the server's concept maps call the same"
        )
        notes.append(f"No record here bears `{text}` itself; these bear other codes of {others}.")
    complete = gathered.complete and len(rows) <= limit
    envelope = ResultEnvelope(
        finding="recorded" if codes else "nothing_recorded",
        rows=rows[:limit],
        total=len(rows) if gathered.complete else None,
        returned=len(rows[:limit]),
        truncated=not complete,
        notes=notes,
        as_of=session.now,
    )
    text_of_all, shown = await session.render(envelope)
    if shown < len(rows):
        text_of_all += f"\n- {_more(len(rows) - shown, can_raise=shown == limit < _MOST)}"
    if len(rows) > limit:
        envelope.notes.append(_more(len(rows) - limit, can_raise=limit < _MOST))
    return Answer(envelope, text_of_all, [lock.patient])


def _more(rows: int, *, can_raise: bool) -> str:
    return f"{rows} more rows: {'raise the limit, or ' if can_raise else ''}ask for one of the names."


def _searches(kinds: Iterable[terminology.Kind]) -> list[Search]:
    return list(dict.fromkeys(search for kind in kinds for search in _READ[kind]))


async def _measurements(
    session: ChartSession, lock: PatientLock, meaning: Meaning, gathered: Gathered, call: Call
) -> tuple[list[ChartCode], Counter[str]]:
    """The codings of the measurements, by the dictionary's codes or else by the chart's names; how many
    were left out and why, where all were read. What is wrong with the reading is noted in `gathered`."""
    parameters = (await session.client.capability(call)).of("Observation")
    parameter = "combo-code" if "combo-code" in parameters else "code"
    measured = sorted(one for one in meaning.concepts if one.kind == "measurement")
    tokens = [f"{code.system}|{code.code}" for one in measured for code in one.codes][:_TOKENS]
    if tokens:
        pages = await read_pages(
            session.client,
            "Observation",
            [(parameter, ",".join(tokens))],
            lock,
            call,
            count=PAGE_SIZE,
            enough=lambda pages: len(pages.matches) >= _READ_TO_COUNT,
        )
        gathered.merge(Gathered(notes=pages.notes, complete=pages.complete))
        records, whole = list(pages.matches.values()), not pages.more
    if not tokens or not records:
        reading = await _of_inventory(session, lock, meaning, call)
        gathered.merge(Gathered(notes=reading.notes, complete=reading.complete))
        records, whole = list(reading.records.values()), reading.whole
    codes, left_out = await to_thread.run_sync(charted, records, {}, meaning)
    if whole:
        return codes, left_out
    standing = [("status:not", "entered-in-error")] if "status" in parameters else []
    counted: list[ChartCode] = []
    for code in codes[:_COUNTED]:
        if code.code:
            asked = [(parameter, f"{code.system}|{code.code}"), *standing]
            page = await session.client.search("Observation", asked, lock, call, count=1)
            code = code._replace(n=max(code.n, page.total or 0))
        counted.append(code)
    return counted + codes[_COUNTED:], Counter()


async def _of_inventory(session: ChartSession, lock: PatientLock, meaning: Meaning, call: Call) -> Reading:
    """The chart's measurements that are about what was meant, as they are now."""
    chart = Chart(session.client, lock, call, session.now)

    def meant(known: Measurements) -> list[Resource]:
        records = known.records.values()
        return [one for one in records if any(map(meaning.covers, terminology.codeables(one, {})))]

    return await read_known(chart, session.keep(lock, Inventory), meant)


def _chart_row(code: ChartCode) -> Row:
    row: Row = {"name": code.name, "system": short_name(code.system), "code": code.code}
    row |= {"kind": code.kind, "in_chart": code.n, "refs": list(code.refs)}
    return {field: value for field, value in row.items() if value}


def _row(concept: Concept) -> Row:
    """A concept of the dictionary, in a row; of many codes the first ones, of a vaccine its members' too."""
    coded = terminology.family([concept]) if concept.kind == "vaccine" else (concept,)
    codes: dict[str, list[str]] = {}
    for code in (code for one in coded for code in one.codes):
        codes.setdefault(short_name(code.system), []).append(code.code)
    shown = {
        system: [*those[:_CODES], *([f"and {len(those) - _CODES} more"] if len(those) > _CODES else [])]
        for system, those in codes.items()
    }
    classes = terminology.classes_of(concept) if concept.kind == "drug" else []
    row: Row = {"name": concept.name, "kind": f"{concept.kind} (dictionary)", "codes": shown}
    row |= {"synonyms": list(concept.names[:_SYNONYMS]), "classes": classes, "members": list(concept.members)}
    return {field: value for field, value in row.items() if value}


@contextmanager
def _noting_failures(notes: list[str]) -> Iterator[None]:
    """What chart and dictionary say stands where the server's terminology fails: a note tells that it did."""
    try:
        yield
    except (InvalidRequest, NotPermitted, ServerFailed) as error:
        note = _not_asked(error)
        notes += [note] if note not in notes else []


def _not_asked(error: FhirToolError) -> str:
    return f"The server's own terminology could not be asked. {error}"


async def _mapped(session: ChartSession, meaning: Meaning, call: Call) -> tuple[list[Row], Meaning]:
    """What the server's concept maps have for the code given; the meaning, with those that are the same."""
    found = await terminology.mapped(session.client, meaning.system, meaning.code, call)
    rows: list[Row] = []
    for one in found:
        named = terminology.known_by(one["system"], one["code"])
        name = one.get("name") or (named[0].name if named else "")
        row: Row = {"name": name, "system": short_name(one["system"]), "code": one["code"]}
        rows.append({**row, "kind": f"{one['equivalence']} (server's concept map)"})
    same = tuple(Code(one["system"], one["code"]) for one in found if one["equivalence"] in _SAME)
    return rows, meaning._replace(same=same)


async def _of_server(
    session: ChartSession, text: str, meaning: Meaning, notes: list[str], call: Call
) -> list[Row]:
    """What the server's own terminology knows, where neither chart nor dictionary does."""
    known = session.terminology
    if meaning.system:
        name = await known.coded(session.client, meaning.system, meaning.code, call)
        named = [{"system": meaning.system, "code": meaning.code, "name": name}] if name else []
    else:
        named, refused = await known.named(session.client, text, call)
        notes += [_not_asked(refused)] if refused else []
    return [
        {
            "name": one["name"],
            "system": short_name(one["system"]),
            "code": one["code"],
            "kind": "code system (server)",
        }
        for one in named
    ]


def _memberships(concepts: Iterable[Concept]) -> list[str]:
    """Where a drug and a class are both named: whether the one is in the other."""
    named = tuple(concepts)
    drugs = [one for one in named if one.kind == "drug"]
    return [
        f"{drug.name} is {'' if drug.name in one.members else 'not '}listed as {one.name} in the dictionary."
        for one in named
        if one.kind == "class"
        for drug in drugs
    ]


def _related_allergies(
    text: str, asked: Iterable[Concept], meaning: Meaning, records: Iterable[Resource]
) -> list[str]:
    """The recorded allergies to the classes of a drug asked for, or to drugs like it."""
    allergies = {
        resource_ref(one): one["code"]
        for one in records
        if one["resourceType"] == "AllergyIntolerance" and one.get("code") and not why_withdrawn(one)
    }
    others = {ref: code for ref, code in allergies.items() if not meaning.covers(code)}
    return [
        f"Recorded allergy related to `{text}` by class ({name}): {concept_text(code)} ({ref})."
        for name, covers in terminology.related(asked).items()
        for ref, code in others.items()
        if covers(code)
    ]


def _nowhere(text: str, meaning: Meaning, kinds: Collection[terminology.Kind], *, known: bool) -> str:
    """That the chart has nothing of it, among which records; where nobody knows what it is, what to try."""
    among = ", ".join(dict.fromkeys(one for kind, read in _RECORDS.items() if kind in kinds for one in read))
    none = f"This chart has no record of `{text}` among its {among}."
    if known:
        return none
    if meaning.code:
        return f"{none} Nor does the dictionary know the code: try its name."
    similar = terminology.near(text)
    names = f" Similar names: {', '.join(similar)}." if similar else ""
    return (
        f"None of the chart's {among} is called `{text}`, and the dictionary does not know it. It may be"
        f" there under another name: try another word for it, in English, or its code.{names}"
    )
