"""Events of the chart by which a question tells a time, found by the chart tools; the window they make."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dateutil.relativedelta import relativedelta

from agent.errors import CannotAnswer
from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.slots import Anchor
from agent.models.offline.spans import first_day, is_date, last_day
from agent.models.offline.windows import Window
from agent.models.offline.wording import Draft, cite, day, is_later, name, noted
from agent.models.offline.words import Stems

if TYPE_CHECKING:
    from agent.models.offline.intents.intent import Asked

_NOT_HELD = ("planned", "cancelled", "arrived", "triaged")
_NOT_DONE = ("not-done", "preparation", "in-progress", "on-hold", "stopped", "unknown")
# The names of procedures that are operations.
_SURGICAL = frozenset(
    {"surgery", "surgical", "operation", "excision", "resection", "repair", "amputation", "bypass"}
    | {"transplant", "transplantation", "cesarean", "caesarean", "sterilization"}
)
_REPLACED = frozenset({"hip", "knee", "shoulder", "joint", "valve"})
_SURGICAL_ENDINGS = ("ectomy", "plasty", "ostomy", "otomy", "orrhaphy", "pexy")
_NO_SURGERY = frozenset({"phlebotomy", "venotomy"})
# What goes before an operation, or comes of it: a ward that patients are admitted to, a talk.
_ABOUT_SURGERY = frozenset(
    {"admission", "department", "unit", "referral", "consultation", "assessment", "education", "planning"}
)


class Untold(CannotAnswer):
    """Control flow: the chart does not tell the event that a question tells its time by; `draft` says so."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.text)
        self.draft = draft


@dataclass(frozen=True)
class Event:
    """One event of a chart: the record that tells it (None for a mere date), its date as recorded, its name.

    `date` is ISO, full or partial; `until` the last day of an age, or of a stay that is asked about. `name`
    completes "before" or "at": "the first order of Metformin 500 MG"; a mere date has none, but `source`
    where it is counted from an event.
    """

    ref: str | None
    date: str
    name: str
    until: str | None = None
    source: str = ""

    @property
    def day(self) -> str:
        """The date without the time of day, ISO, full or partial."""
        return day(self.date)

    @property
    def near(self) -> str | None:
        """What `observations` takes as `near`; None where the date is not to the day."""
        return self.day if len(self.day) == 10 else None

    @property
    def said(self) -> str:
        """The event with its date and citation, as a part of a sentence; a mere date by itself."""
        dated = f"{'on' if self.near else 'in'} {self.day}"
        if self.until:
            dated = f"from {self.day} to {self.until}"
        if not self.name:
            return f"{dated}, counted from {self.source}" if self.source else dated
        return f"{self.name} {dated}{f' {cite([self.ref])}' if self.ref else ''}"


def moment(asked: "Asked") -> Event | None:
    """The event that the question tells its time by; None where the chart has none, or does not tell when.

    Raises StillWanted until its calls are answered, CannotAnswer where not all records could be read.
    """
    anchor = asked.reading.anchor
    event = _FINDERS[anchor.event](asked, anchor) if anchor else None
    if event is None or anchor is None or anchor.apart is None:
        return event
    if event.near is None:
        raise CannotAnswer(f"The date is recorded as {event.day} only: {event.said}.")
    moved = (first_day(event.day) + anchor.apart).isoformat()
    return Event(None, moved, "", source=event.said)


def missing(asked: "Asked") -> Draft:
    """The answer where `moment` finds nothing: what it was that the chart does not tell."""
    anchor = asked.reading.anchor
    what = _called(anchor) if anchor else "that"
    return Draft(f"The chart does not tell when {what}.", (), "not_in_chart")


def window_of(asked: "Asked") -> dict[str, str]:
    """The window of time as tool arguments, with what an event and a number of last visits make of it.

    Raises StillWanted, Untold where the chart does not tell the event, CannotAnswer where not all was read.
    """
    return told_window(asked).arguments


def told_window(asked: "Asked") -> Window:
    """That window, and how to say it; open at both ends where none was asked for. "At" is the event's day."""
    windows = [asked.reading.window] if asked.reading.window else []
    if asked.reading.visits:
        windows.append(_of_visits(asked, asked.reading.visits))
    if asked.reading.anchor:
        event = moment(asked)
        if event is None:
            raise Untold(missing(asked))
        windows.append(_of_event(asked.reading.anchor, event))
    since = max((one.since for one in windows if one.since), key=first_day, default=None)
    until = min((one.until for one in windows if one.until), key=last_day, default=None)
    if since and until and first_day(since) > last_day(until):
        raise CannotAnswer(f"No time lies both {' and '.join(one.said for one in windows)}.")
    return Window(since, until, " and ".join(one.said for one in windows if one.said))


def _of_event(anchor: Anchor, event: Event) -> Window:
    if anchor.event == "age" and anchor.side != "at":
        return _of_age(anchor, event)
    first, last = first_day(event.day), last_day(event.day)
    day_before, day_after = first - timedelta(days=1), last + timedelta(days=1)
    if anchor.side == "before":
        since = first - anchor.within if anchor.within else None
        return _window(since, day_before, f"{_within(anchor)}before {event.said}")
    if anchor.side == "after":
        begin = first if anchor.inclusive else day_after
        until = last + anchor.within if anchor.within else None
        return _window(
            begin, until, f"{_within(anchor)}{'since' if anchor.inclusive else 'after'} {event.said}"
        )
    if anchor.side == "around" and anchor.within:
        return _window(first - anchor.within, last + anchor.within, f"{_within(anchor)}of {event.said}")
    until_end = anchor.side == "during" or anchor.event == "age"
    said = f"{anchor.side} {event.said}" if event.name else event.said
    return Window(event.day, event.until if until_end and event.until else event.day, said)


def _of_age(anchor: Anchor, event: Event) -> Window:
    """Before the birthday, or from it on."""
    birthday = first_day(event.day)
    if anchor.side == "before":
        eve = (birthday - timedelta(days=1)).isoformat()
        return Window(None, eve, f"before {event.name}, until {eve}")
    return Window(event.day, None, f"since {event.name}, from {event.day}")


def _window(since: date | None, until: date | None, said: str) -> Window:
    bounds = [day.isoformat() if day else None for day in (since, until)]
    return Window(bounds[0], bounds[1], said)


def _within(anchor: Anchor) -> str:
    """`within 3 months `, `within a year `, where the window is bounded so."""
    if anchor.within is None:
        return ""
    months = anchor.within.years * 12 + anchor.within.months
    n, unit = (months, "month") if months else (anchor.within.days, "day")
    for size, larger in ((12, "year"),) if months else ((7, "week"),):
        n, unit = (n // size, larger) if n % size == 0 else (n, unit)
    return f"within {f'a {unit}' if n == 1 else f'{n} {unit}s'} "


def _of_visits(asked: "Asked", count: int) -> Window:
    rows = [row for row in _all(asked, "encounters").rows if "date" in row and _took_place(asked, row)]
    if not rows:
        raise Untold(Draft("No visit is recorded up to now.", (), "not_in_chart"))
    oldest = rows[:count][-1]
    shown = min(count, len(rows))
    return Window(day(oldest["date"]), None, f"since {day(oldest['date'])} (the last {shown} visits)")


def _all(asked: "Asked", kind: str, **about: str) -> Found:
    found = asked.chart.fetch(records(kind, **about))
    if not found.complete:
        raise CannotAnswer(
            f"Not all {kind} could be read, so when that was cannot be told.{noted(found.notes)}"
        )
    return found


def _chosen(anchor: Anchor, rows: list[Row], which: str, what: Callable[[Row], str]) -> Event | None:
    """The first or last of the rows, as the question says or else as `which` says.

    Its name tells which of several it is, and that some have no date: nobody knows where they belong.
    """
    dated = [row for row in rows if "date" in row and is_date(day(row["date"]))]
    if not dated:
        return None
    dated = sorted(dated, key=lambda row: first_day(day(row["date"])))
    which = anchor.which or which
    row = dated[0] if which == "first" else dated[-1]
    several = f"{which} recorded " if len(dated) > 1 else ""
    unsure = " (others have no date)" if len(dated) < len(rows) else ""
    stays = anchor.side == "during" and "end" in row and is_date(day(row["end"]))
    until = day(row["end"]) if stays else None
    return Event(row["ref"], str(row["date"]), f"the {several}{what(row)}{unsure}", until)


def _took_place(asked: "Asked", row: Row) -> bool:
    return row.get("status") not in _NOT_HELD and not is_later(row, asked.now)


def _of_drug(asked: "Asked", anchor: Anchor) -> list[Row]:
    """Orders and statements of the drug that were in force; where there are none, what was given.

    A last dose is one given, a first one whatever is recorded first.
    """
    # The records of an intent know Asked, which knows this module.
    from agent.models.offline.intents.drug_records import GIVEN, NEVER, of_drug, searched, was_in_force

    concept = anchor.mention.concepts["drug"] if anchor.mention else None
    every = of_drug(concept, _all(asked, "medications", **searched(concept)).rows) if concept else []
    rows = [row for row in every if not is_later(row, asked.now)]
    given = [row for row in rows if row.get("source") in GIVEN and row.get("status") not in NEVER]
    taken = [row for row in rows if was_in_force(row)]
    if anchor.event == "dose":
        return given if anchor.which == "last" else taken + given
    return taken or given


def _start(asked: "Asked", anchor: Anchor) -> Event | None:
    """The first record: of when it was taken before, none tells."""
    return _chosen(anchor, _of_drug(asked, anchor), "first", _drug_record)


def _stop(asked: "Asked", anchor: Anchor) -> Event | None:
    """The end that a record bears; R4 has no other date at which an order was stopped."""
    rows = _of_drug(asked, anchor)
    if any(row.get("status") in ("active", "in-progress", "on-hold") for row in rows):
        return None
    ended = [{**row, "date": row["end"]} for row in rows if "end" in row]
    return _chosen(anchor, ended, "last", lambda row: f"end of {name(row)}")


def _drug_record(row: Row) -> str:
    return f"{row.get('source', 'record')} of {name(row)}"


def _dose(asked: "Asked", anchor: Anchor) -> Event | None:
    """A dose given; of a drug it may be an order that came before any, and the name says so."""
    concepts = anchor.mention.concepts if anchor.mention else {}
    if "vaccine" not in concepts:
        return _chosen(anchor, _of_drug(asked, anchor), "first", _drug_record)
    named = concepts["vaccine"]
    rows = _done(asked, "immunizations", lambda stems: named.in_any_order(stems) is not None)
    return _chosen(anchor, rows, "last", lambda row: f"dose of {name(row)}")


def _diagnosis(asked: "Asked", anchor: Anchor) -> Event | None:
    """Its onset, or else when it was recorded; never that of another condition that goes with it."""
    from agent.models.offline.intents.problem_records import groups_of

    concept = anchor.mention.concepts["problem"] if anchor.mention else None
    groups = groups_of(asked, concept, _all(asked, "problems").rows) if concept else {}
    rows = groups.get("yes", []) + groups.get("resolved", []) or groups.get("unconfirmed", [])
    return _chosen(
        anchor, rows, "first", lambda row: f"{'onset' if 'onset' in row else 'record'} of {name(row)}"
    )


def _procedure(asked: "Asked", anchor: Anchor) -> Event | None:
    """The procedure named, or the last operation: any whose name is that of surgery."""
    concept = anchor.mention.concepts["procedure"] if anchor.mention else None
    meant = (lambda stems: concept.in_any_order(stems) is not None) if concept else _is_surgery
    return _chosen(anchor, _done(asked, "procedures", meant), "last", name)


def _done(asked: "Asked", kind: str, meant: Callable[[Stems], bool]) -> list[Row]:
    return [
        row
        for row in _all(asked, kind).rows
        if meant(stems_of_record(row.get("name")))
        and row.get("status") not in _NOT_DONE
        and not is_later(row, asked.now)
    ]


def _is_surgery(stems: Stems) -> bool:
    words = set(stems)
    if words & _ABOUT_SURGERY:
        return False
    replaced = "replacement" in words and words & _REPLACED
    endings = any(word.endswith(_SURGICAL_ENDINGS) and word not in _NO_SURGERY for word in stems)
    return bool(words & _SURGICAL or replaced or endings)


def _visits(asked: "Asked", of_class: str | None) -> list[Row]:
    """The visits that took place, of one class of the dictionary or all."""
    rows = [row for row in _all(asked, "encounters").rows if _took_place(asked, row)]
    classes = {word.lower() for word in asked.lexicon.visit_classes[of_class]} if of_class else set()
    return [row for row in rows if not of_class or str(row.get("class", "")).lower() in classes]


def _admission(asked: "Asked", anchor: Anchor) -> Event | None:
    return _chosen(anchor, _visits(asked, "IMP"), "last", lambda row: f"admission ({name(row)})")


def _discharge(asked: "Asked", anchor: Anchor) -> Event | None:
    """The end of a stay; one that is still going on has none."""
    rows = [{**row, "date": row["end"]} for row in _visits(asked, "IMP") if "end" in row]
    rows = [row for row in rows if not is_later(row, asked.now)]
    return _chosen(anchor, rows, "last", lambda row: f"discharge ({name(row)})")


def _visit(asked: "Asked", anchor: Anchor) -> Event | None:
    concept = anchor.mention.concepts.get("visit") if anchor.mention else None
    rows = _visits(asked, concept.name if concept else None)
    return _chosen(anchor, rows, "last", lambda row: f"visit ({name(row)})")


def _age(asked: "Asked", anchor: Anchor) -> Event | None:
    """The year of that age, from birthday to birthday; of a birth date to the year, what it may have been."""
    born = asked.chart.patient().get("birth_date")
    if not born or anchor.age is None:
        return None
    born = str(born)
    first = first_day(born) + relativedelta(years=anchor.age)
    last = last_day(born) + relativedelta(years=anchor.age + 1) - timedelta(days=1)
    if first > asked.now:
        return None
    written = first.isoformat()[: len(born)]
    return Event(None, written, f"age {anchor.age}", until=last.isoformat())


def _day(asked: "Asked", anchor: Anchor) -> Event | None:
    return Event(None, anchor.day or asked.now.isoformat(), "")


def _told(asked: "Asked", anchor: Anchor) -> Event | None:
    return anchor.told(asked) if anchor.told else None


_FINDERS: dict[str, Callable[["Asked", Anchor], Event | None]] = {
    "start": _start,
    "stop": _stop,
    "dose": _dose,
    "diagnosis": _diagnosis,
    "procedure": _procedure,
    "admission": _admission,
    "discharge": _discharge,
    "visit": _visit,
    "age": _age,
    "day": _day,
    "told": _told,
}
_CALLED = {
    "start": "{what} was started",
    "stop": "{what} was stopped",
    "dose": "a dose of {what} was given",
    "diagnosis": "{what} was diagnosed",
    "procedure": "{what} was done",
    "admission": "an admission was",
    "discharge": "a discharge was",
    "visit": "such a visit was",
    "age": "age {age} was reached",
    "day": "that was",
    "told": "that was",
}


def _called(anchor: Anchor) -> str:
    what = anchor.mention.said if anchor.mention else "surgery"
    return _CALLED[anchor.event].format(what=what, age=anchor.age)
