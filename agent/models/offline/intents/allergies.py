"""Questions about allergies: the list, and whether the patient is allergic to something."""

from dataclasses import replace

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted, recorded_as_none
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, inline, many, name, noted, refs_of

_CURRENT = ("active", "unknown")
_NOUN = "recorded allergy"


def _item(row: Row) -> str:
    said = [str(row.get("status", "status unknown"))]
    said += [f"reaction: {inline(row['reaction'])}"] if "reaction" in row else []
    said += [f"criticality {row['criticality']}"] if row.get("criticality") in ("low", "high") else []
    said += [str(row["verification"])] if row.get("verification") not in (None, "confirmed") else []
    return f"{name(row)} ({', '.join(said)}) {cite(refs_of([row]))}"


def _list(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("allergies", status="current"))
    # A "none known" that stands beside allergies is told by a note of the result.
    allergies = [row for row in found.rows if not row.get("negation")]
    return _none(asked, found) or counted(asked, found, allergies, _NOUN, _item)


def _none(asked: Asked, found: Found) -> Draft | None:
    """Nothing recorded and recorded as none are two answers; None when allergies are recorded."""
    if found.finding == "nothing_recorded":
        return Draft(asked.wording.say("allergy", "none") + noted(found.notes), (), "not_in_chart")
    if found.finding == "recorded_as_none":
        return recorded_as_none(asked, found, "allergy")
    if not found.rows:
        text = asked.wording.say("list", "none", what="current allergies", window="")
        return Draft(text + noted(found.notes), (), "not_in_chart")
    return None


def _to(asked: Asked) -> Draft:
    """Whether an allergy to one substance, or to a drug of a class, is recorded, and as what."""
    found = asked.chart.fetch(records("allergies"))
    concept, told = _substance(asked.reading), asked.reading.mentions[0].said
    classes = _classes_of(asked, concept)
    groups: dict[str, list[Row]] = {}
    for row in found.rows:
        named = stems_of_record(row.get("name"))
        if row.get("negation"):
            continue
        if concept.in_any_order(named):
            groups.setdefault(_standing(row), []).append(row)
        elif _standing(row) == "yes" and any(one.in_any_order(named) for one in classes):
            groups.setdefault("class", []).append(row)
    for standing in ("yes", "class", "inactive", "refuted"):
        if standing in groups:
            rows = groups[standing]
            items = asked.wording.listed(rows, _item)
            text = asked.wording.say("allergy", standing, items=items, asked=told)
            return Draft(text, refs_of(rows[:10]))
    nothing = _none(asked, found)
    if nothing:
        return nothing
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    items = asked.wording.listed(found.rows, _item)
    text = asked.wording.say("allergy", "no_match", asked=told, n=many(found.total, _NOUN), items=items)
    return Draft(text, refs_of(found.rows))


def _classes_of(asked: Asked, drug: Concept) -> list[Concept]:
    """The classes that a drug is of, without their members: a record of another member is not one of it."""
    every = [kinds["drug"] for kinds in asked.lexicon.concepts.values() if "drug" in kinds]
    return [replace(one, members=()) for one in dict.fromkeys(every) if drug in one.members]


def _standing(row: Row) -> str:
    if row.get("verification") == "refuted":
        return "refuted"
    return "yes" if row.get("status") in _CURRENT else "inactive"


def _substance(reading: Reading) -> Concept:
    concepts = reading.mentions[0].concepts
    return concepts["drug"] if "drug" in concepts else concepts["substance"]


_SUBSTANCE = cues("is whether past active")

INTENTS = (
    Intent(
        "allergies",
        _list,
        may=cues("count list what is whether active past history"),
        needs=(cues("allergy"),),
    ),
    Intent("allergic_to_drug", _to, may=_SUBSTANCE, needs=(cues("allergy"),), about="drug"),
    Intent("allergic_to_substance", _to, may=_SUBSTANCE, needs=(cues("allergy"),), about="substance"),
)
