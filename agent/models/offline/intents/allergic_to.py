"""Questions about an allergy to one substance or drug: whether, how it reacts, how sure, since when."""

from dataclasses import replace

from agent.models.offline.chart import Row, records
from agent.models.offline.concepts import Concept, stems_of_record
from agent.models.offline.intents.allergies import none
from agent.models.offline.intents.allergy_records import NOUN, item, standing
from agent.models.offline.intents.having import one_problem
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import joined
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, day, many, refs_of

CUES = {
    "severity": spoken("""how severe, how severe is, severity, severity of, how serious, how serious is,
        how bad, how bad is, criticality, criticality of, severe, serious, anaphylactic"""),
}


def _to(asked: Asked) -> Draft:
    """Whether an allergy to one substance, or to a drug of a class, is recorded, and as what."""
    found = asked.chart.fetch(records("allergies"))
    concept, told = _substance(asked.reading), asked.reading.mentions[0].said
    above, below = _classes_around(asked, concept)
    groups: dict[str, list[Row]] = {}
    for row in found.rows:
        named = stems_of_record(row.get("name"))
        if row.get("negation"):
            continue
        if any(one.in_any_order(named) for one in (concept, *below)):
            groups.setdefault(standing(row), []).append(row)
        elif standing(row) == "yes" and any(one.in_any_order(named) for one in above):
            groups.setdefault("class", []).append(row)
    for one in ("yes", "class", "inactive", "refuted"):
        if one in groups:
            rows = groups[one]
            items = asked.wording.listed(rows, item)
            said = asked.wording.say("allergy", one, items=items, asked=told)
            if one == "yes" and asked.reading.cues & cues("reaction severity when what since_when happens"):
                said = f"{items[:1].upper()}{items[1:]}."
            return Draft(f"{said}{_missing(asked, rows[0])}", refs_of(rows[:10]))
    nothing = none(asked, found)
    if nothing:
        return nothing
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    items = asked.wording.listed(found.rows, item)
    text = asked.wording.say("allergy", "no_match", asked=told, n=many(found.total, NOUN), items=items)
    return Draft(text, refs_of(found.rows))


def _missing(asked: Asked, row: Row) -> str:
    """What was asked for that the record does not say; and, for a time, when it was recorded."""
    asked_for, said = asked.reading.cues, ""
    if asked_for & cues("reaction happens") and "reaction" not in row:
        said += " No reaction is recorded."
    unsaid = row.get("criticality") not in ("low", "high") and "(" not in str(row.get("reaction", ""))
    if "severity" in asked_for and unsaid:
        said += " No severity is recorded."
    if asked_for & cues("when since_when started onset"):
        recorded = f"Recorded on {day(row['date'])}" if "date" in row else "The date of the record is missing"
        onset = "" if "onset" in row else "; no onset is recorded"
        said += f" {recorded}{onset}."
    return said


def _classes_around(asked: Asked, asked_for: Concept) -> tuple[list[Concept], list[Concept]]:
    """The classes that a drug is of, and the classes within a class (penicillins, of antibiotics).

    Both without their members: a record of another member is not one of it.
    """
    drugs = (kinds["drug"] for kinds in asked.lexicon.concepts.values() if "drug" in kinds)
    classes = [one for one in dict.fromkeys(drugs) if one.members and one != asked_for]
    members = set(asked_for.members)
    above = [one for one in classes if asked_for in one.members]
    below = [one for one in classes if members.issuperset(one.members)]
    return [replace(one, members=()) for one in above], [replace(one, members=()) for one in below]


def _substance(reading: Reading) -> Concept:
    concepts = reading.mentions[0].concepts
    return concepts["drug"] if "drug" in concepts else concepts["substance"]


def _asks(reading: Reading) -> bool:
    """ "How" asks only beside what happens then."""
    return "how" not in reading.cues or bool(reading.cues & cues("reaction happens"))


def _anaphylaxis(asked: Asked) -> Draft:
    """Problems of that name, and allergies with such a reaction."""
    problems, found = asked.chart.fetch_all([records("problems"), records("allergies")])
    concept, told = asked.named("problem")[0]
    known = one_problem(asked, concept, told, problems)
    rows = [row for row in found.rows if "anaphyla" in str(row.get("reaction", "")).casefold()]
    if not rows:
        text = f"No allergy record gives such a reaction ({many(found.total, 'record')} checked)."
        return joined([known, Draft(text, (), "not_in_chart" if found.complete else "needs_review")])
    as_reaction = Draft(f"As a reaction: {asked.wording.listed(rows, item)}.", refs_of(rows))
    return joined([as_reaction, known] if known.citations else [as_reaction])


_ASIDE = (
    cues("is whether past active what when since_when started onset certainty history")
    | cues("reaction severity taking done reason happens about")
    | {"how"}
)
_ABOUT = (cues("allergy severe_allergy new_allergy reaction severity"),)

INTENTS = (
    Intent("allergic_to_drug", _to, may=_ASIDE, needs=_ABOUT, about="drug", also=_asks),
    Intent("allergic_to_substance", _to, may=_ASIDE, needs=_ABOUT, about="substance", also=_asks),
    Intent(
        "reaction_when_taken",
        _to,
        may=_ASIDE,
        needs=(cues("happens"), cues("taking done given when")),
        about=("drug", "substance"),
    ),
    Intent(
        "anaphylaxis",
        _anaphylaxis,
        may=cues("is whether past history diagnosed what"),
        about="problem",
        also=lambda reading: reading.mentions[0].concepts["problem"].name.casefold() == "anaphylaxis",
    ),
)
