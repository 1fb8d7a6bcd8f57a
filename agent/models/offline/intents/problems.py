"""Questions about problems: the list, the history, how many, and whether the patient has one."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import joined, listed, no_record
from agent.models.offline.reading import Reading
from agent.models.offline.wording import CITED, Draft, cite, day, is_later, name, refs_of

_ACTIVE = ("active", "recurrence", "relapse", "unknown")
_UNCONFIRMED = ("provisional", "differential", "unconfirmed")


def _item(row: Row) -> str:
    said = [row.get("status", "status unknown")]
    if "onset" in row:
        said.append(f"onset {day(row['onset'])}")
    elif "recorded" in row:
        said.append(f"recorded {day(row['recorded'])}")
    if "abated" in row:
        said.append(f"ended {day(row['abated'])}")
    if row.get("verification") not in (None, "confirmed"):
        said.append(str(row["verification"]))
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def _active(asked: Asked) -> Draft:
    return listed(
        asked, asked.chart.fetch(records("problems", status="current")), "active problem", _item, each=True
    )


def _history(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("problems", **asked.window))
    tail = " with onset or recording" if asked.window else ", past and present"
    return listed(asked, found, "problem", _item, tail=tail)


def _has(asked: Asked) -> Draft:
    """Whether the chart records it, and as what: active, past, ruled out, unconfirmed, or something near."""
    found = asked.chart.fetch(records("problems"))
    drafts = [_one(asked, concept, told, found) for concept, told in asked.named("problem")]
    return joined(drafts)


def _one(asked: Asked, concept: Concept, told: str, found: Found) -> Draft:
    groups: dict[str, list[Row]] = {}
    for row in found.rows:
        place = concept.in_order(stems_of_record(row.get("name")))
        if place:
            groups.setdefault(_standing(asked, row, place), []).append(row)
    for standing in ("yes", "unconfirmed", "resolved", "refuted", "later", "related"):
        if standing in groups:
            rows = groups[standing]
            said = _introduced(asked, standing)
            if said == "since" and len(rows) > 1:
                return _earliest(asked, rows)
            items = asked.wording.listed(rows, _item, each=True)
            return Draft(asked.wording.say("problem", said, asked=told, items=items), refs_of(rows[:10]))
    return no_record(asked, found, "problem", told)


def _earliest(asked: Asked, rows: list[Row]) -> Draft:
    """Of a problem recorded more than once, the record of every name with the earliest date of onset."""
    rows = sorted(rows, key=lambda row: (not str(row.get("date", "")), str(row.get("date", ""))))[:CITED]
    items = asked.wording.listed(rows, _item, each=True)
    refs = refs_of(rows)
    return Draft(asked.wording.say("problem", "earliest", items=items, n=len(refs), cite=cite(refs)), refs)


def _introduced(asked: Asked, standing: str) -> str:
    """Which sentence tells it: a plain yes answers no "when?"."""
    if standing == "resolved" and asked.reading.cues & {"past", "history"}:
        return "was"
    return "since" if standing == "yes" and "when" in asked.reading.cues else standing


def _standing(asked: Asked, row: Row, place: tuple[int, int]) -> str:
    stems = stems_of_record(row.get("name"))
    start, end = place
    before, after = asked.lexicon.qualifiers["before"], asked.lexicon.qualifiers["after"]
    if row.get("verification") == "refuted":
        return "refuted"
    if is_later(row, asked.now):
        return "later"
    if before.intersection(stems[:start]) or after.intersection(stems[end:]):
        return "related"
    if row.get("status") not in _ACTIVE or "abated" in row:
        return "resolved"
    return "unconfirmed" if row.get("verification") in _UNCONFIRMED else "yes"


def _asks_whether(reading: Reading) -> bool:
    asked = reading.cues & cues("is whether past history problem diagnosed active")
    when_diagnosed = "when" not in reading.cues or "diagnosed" in reading.cues
    one = len(reading.mentions) == 1 or "and" in reading.cues
    return one and when_diagnosed and bool(asked or reading.plain or reading.follow)


def _over_time(reading: Reading) -> bool:
    """ "New" and "diagnosed" say nothing without a time."""
    if "new" in reading.cues and not reading.window:
        return False
    return "diagnosed" not in reading.cues or bool(reading.window or reading.cues & {"past", "history"})


INTENTS = (
    Intent(
        "active_problems",
        _active,
        may=cues("active list what is whether and"),
        needs=(cues("problem"),),
    ),
    Intent(
        "count_problems",
        lambda asked: (_history if asked.window or "past" in asked.reading.cues else _active)(asked),
        may=cues("active diagnosed new what is whether past"),
        needs=(cues("count"), cues("problem")),
        window=True,
        also=lambda reading: _over_time(reading) and not ("active" in reading.cues and reading.window),
    ),
    Intent(
        "problem_history",
        _history,
        may=cues("history past list what is whether diagnosed new recent"),
        needs=(cues("problem pmh"),),
        window=True,
        also=lambda reading: (
            bool(reading.window or reading.cues & {"history", "past", "pmh"}) and _over_time(reading)
        ),
    ),
    Intent(
        "has_problem",
        _has,
        may=cues("is whether past history problem diagnosed active when and"),
        about="problem",
        several=True,
        also=_asks_whether,
    ),
)
