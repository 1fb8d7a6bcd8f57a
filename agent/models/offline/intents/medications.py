"""Questions about medications: the current list, what was ordered, how many, and whether one is taken."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import joined, listed, no_record
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, day, inline, name, refs_of

_PLANNED = ("proposal", "plan", "option")
_GIVEN = ("administration", "dispense")


def _item(row: Row) -> str:
    """Name and dose; then its standing and since when, and what else must be said of it."""
    dose = f", {inline(row['dose'])}" if "dose" in row else ""
    status = row.get("status", "unknown")
    standing = "status unknown" if status == "unknown" else status
    dated = f" of {day(row['date'])}" if "date" in row else ""
    said = [f"{standing} {row.get('source', 'record')}{dated}"]
    if "intent" in row and row["intent"] != "order":
        said.append(f"intent {row['intent']}")
    if "end" in row:
        said.append(f"until {day(row['end'])}")
    if "status_reason" in row:
        said.append(f"because {inline(row['status_reason'])}")
    return f"{name(row)}{dose} ({', '.join(said)}) {cite(refs_of([row]))}"


def _current(asked: Asked) -> Draft:
    """The current ones; notes of the result name what is on hold, of unknown status, or not to be given."""
    found = asked.chart.fetch(records("medications", status="current"))
    return listed(asked, found, "current medication", _item, each=True)


def _count(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications", status="current"))
    return listed(asked, found, "current medication record", _item, each=True)


def _ordered(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications", **asked.window))
    tail = " dated" if asked.window else ""
    return listed(asked, found, "medication record", _item, tail=tail)


def _taken(asked: Asked) -> Draft:
    """Whether a drug, or a drug of a class, is current; if not, what else the chart says of it."""
    current, every = asked.chart.fetch_all([records("medications", status="current"), records("medications")])
    now_on = {row["ref"] for row in current.rows}
    drafts = [_one(asked, concept, told, every, now_on) for concept, told in asked.named("drug")]
    return joined(drafts)


def _one(asked: Asked, concept: Concept, told: str, every: Found, now_on: set[str]) -> Draft:
    groups: dict[str, list[Row]] = {}
    for row in every.rows:
        if concept.in_any_order(stems_of_record(row.get("name"))):
            groups.setdefault(_standing(row, now_on), []).append(row)
    for standing in ("yes", "against", "on_hold", "stopped", "given", "proposed"):
        if standing in groups:
            rows = groups[standing]
            said = _introduced(asked, standing)
            items = asked.wording.listed(rows, _item, each=True)
            against = groups.get("against", []) if standing != "against" else []
            text = asked.wording.say("drug", said, asked=told, items=items)
            if against:
                also = asked.wording.listed(against, _item, each=True)
                text += " " + asked.wording.say("drug", "against", items=also)
            return Draft(text, refs_of(rows[:10] + against[:10]))
    # A class is known by a list of drugs, which no list of names makes complete.
    return no_record(asked, every, "drug", told, "none_of_class" if concept.members else "none")


def _introduced(asked: Asked, standing: str) -> str:
    """Which sentence tells it: a plain yes answers neither "which?" nor "what dose?"."""
    if standing == "stopped" and "past" in asked.reading.cues:
        return "was"
    if standing != "yes":
        return standing
    return "dose" if "dose" in asked.reading.cues else "which" if "what" in asked.reading.cues else "yes"


def _standing(row: Row, now_on: set[str]) -> str:
    if row.get("do_not_perform"):
        return "against"
    if row["ref"] in now_on:
        return "yes"
    if row.get("source") in _GIVEN:
        return "given"
    if row.get("intent") in _PLANNED or row.get("status") == "draft":
        return "proposed"
    return "on_hold" if row.get("status") == "on-hold" else "stopped"


def _asks_whether(reading: Reading) -> bool:
    asked = reading.cues & cues("is whether taking taken prescribed dose medication active")
    what = "what" not in reading.cues or bool(reading.cues & cues("taking dose"))
    one = len(reading.mentions) == 1 or "and" in reading.cues
    return one and what and bool(asked or reading.plain or reading.follow)


INTENTS = (
    Intent(
        "current_medications",
        _current,
        may=cues("medication active list what is whether taking dose prescribed and"),
        also=lambda reading: "medication" in reading.cues or {"what", "taking"} <= reading.cues,
    ),
    Intent(
        "count_medications",
        _count,
        may=cues("active taking what is whether"),
        needs=(cues("count"), cues("medication")),
    ),
    Intent(
        "ordered_medications",
        _ordered,
        may=cues("count list what is whether past medication"),
        needs=(cues("prescribed medication"),),
        window=True,
        also=lambda reading: (
            "prescribed" in reading.cues
            and bool(reading.cues & cues("count medication what"))
            and (reading.window is not None or bool(reading.cues & cues("count past")))
        ),
    ),
    Intent(
        "on_drug",
        _taken,
        may=cues("is whether taking taken prescribed dose medication active past what and"),
        about="drug",
        several=True,
        also=_asks_whether,
    ),
)
