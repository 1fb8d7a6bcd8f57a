"""Questions whether the patient is or was on a drug or a class, now or at some time, and at what dose."""

from dataclasses import replace

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.drug_records import (
    UNREAD,
    Recorded,
    item,
    of_drug,
    recorded,
    searched,
    standing,
    was_in_force,
)
from agent.models.offline.intents.in_force import in_force, is_timed, told_then
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted, joined, no_record
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, refs_of

_SINGLE = ("yes", "against", "on_hold", "stopped", "given", "proposed")


def _taken(asked: Asked) -> Draft:
    """Whether a drug, or a drug of a class, is current; if not, what else the chart says of it."""
    return joined([one_drug(asked, drug) for drug in recorded(asked)])


def one_drug(asked: Asked, drug: Recorded) -> Draft:
    """How a drug, or the drugs of a class, stand now: the first standing that any record of it has.

    Where not every record could be read, only what is current is sure.
    """
    groups: dict[str, list[Row]] = {}
    for row in drug.rows:
        groups.setdefault(standing(row, drug.now_on), []).append(row)
    for found in _SINGLE:
        if found in groups:
            rows = groups[found]
            items = asked.wording.listed(
                rows, lambda row: item(row, why="what" in asked.reading.cues), each=True
            )
            text = asked.wording.say("drug", _introduced(asked, found), asked=drug.told, items=items)
            against = groups.get("against", []) if found != "against" else []
            if against:
                also = asked.wording.listed(against, item, each=True)
                text += " " + asked.wording.say("drug", "against", items=also)
            refs = refs_of(rows[:10] + against[:10])
            if found == "yes" or drug.read.complete:
                return Draft(text, refs)
            return Draft(f"{text} {UNREAD}", refs, "needs_review")
    return _none(asked, drug)


def _none(asked: Asked, drug: Recorded) -> Draft:
    """That no record is of it; where nothing is current, perhaps no medication was ever recorded."""
    read = drug.read
    plain = replace(drug.concept, form="", strength="")
    if plain != drug.concept and (others := of_drug(plain, read.rows)):
        items = asked.wording.listed(others, item, each=True)
        return Draft(f"Recorded in another form or strength: {items}.", refs_of(others[:10]))
    if read.complete:
        if read.rows:
            items = asked.wording.listed(read.rows, item, each=True)
            text = asked.wording.say("drug", "otherwise", asked=drug.told, items=items)
            return Draft(text, refs_of(read.rows[:10]), "needs_review")
        if drug.now_on:
            none = "none_of_class_named" if drug.concept.members else "none_named"
            return Draft(asked.wording.say("drug", none, asked=drug.told), (), "not_in_chart")
        read = asked.chart.fetch(records("medications"))
    return no_such(asked, drug.concept, drug.told, read)


def no_such(asked: Asked, concept: Concept, told: str, every: Found) -> Draft:
    """That no record is of the drug; no list of names makes a class of drugs complete."""
    return no_record(asked, every, "drug", told, "none_of_class" if concept.members else "none")


def _introduced(asked: Asked, found: str) -> str:
    """Which sentence tells it: a plain yes answers neither "which?" nor "what dose?" nor "is it held?"."""
    if found in ("stopped", "given") and "past" in asked.reading.cues:
        return "was"
    if found != "yes":
        return found
    if asked.reading.cues & cues("what on_hold list status_of about") and "dose" not in asked.reading.cues:
        return "which"
    return "dose" if asked.reading.cues & cues("dose often") else "yes"


def _then(asked: Asked) -> Draft:
    """Whether a drug was in force at some time of the past, and of which records nobody can tell."""
    return joined([_one_then(asked, concept, told) for concept, told in asked.named("drug")])


def _one_then(asked: Asked, concept: Concept, told: str) -> Draft:
    held = in_force(asked, "medications", was_in_force, **searched(concept))
    sure, unsure = of_drug(concept, held.sure), of_drug(concept, held.unsure)
    if sure or unsure:
        return told_then(asked, replace(held, sure=sure, unsure=unsure), item)
    if not held.complete:
        return Draft(asked.wording.say("list", "incomplete", asked=told, n=0), (), "needs_review")
    other = f"No record of {told} was in force{held.said}."
    return Draft(other, (), "not_in_chart")


def _asks_whether(reading: Reading) -> bool:
    """Also what dose; what it was is a question of doses, unless a time is told."""
    asked = reading.cues & cues(
        "is whether taking taken prescribed dose medication active past on_hold status_of about history"
        " earlier previous"
    )
    classes = all(one.members for one in reading.concepts("drug"))
    what = (
        "what" not in reading.cues
        or classes
        or bool(reading.cues & cues("taking dose prescribed status_of about"))
    )
    one = len(reading.mentions) == 1 or "and" in reading.cues
    often = "often" not in reading.cues or bool(reading.cues & cues("taking dose what"))
    # Of all that were ever taken only the current ones would be told.
    if "list" in reading.cues and reading.cues & cues("past taken prescribed"):
        return False
    return one and what and often and bool(asked or reading.plain or reading.follow)


def _count(asked: Asked) -> Draft:
    """How many current records there are of a drug, or of the drugs of a class."""
    concept, told = asked.named("drug")[0]
    found = asked.chart.fetch(records("medications", status="current"))
    rows = of_drug(concept, found.rows)
    if rows:
        return counted(asked, found, rows, "current medication record", item, each=True)
    return no_such(asked, concept, told, found)


CUES = {
    "dose": spoken("""how is she taking, how is he taking, how does she take, how does he take,
        how should she be taking, how is the patient taking, how does the patient take, frequency,
        frequency of, dose and frequency, strength and dose,
        dose and strength, dose and how often, how much and how often, how much and when, how much and how,
        how often and how much, strength and how often, daily amount of, amount of, how much per day of,
        how is being taken, daily amount, strength and frequency, strength and direction, dose and direction,
        posology, posology of, sig, the sig, dosed"""),
    "taking": spoken("""being taken, being taken by, being used, being used by, being prescribed,
        being given, being administered, part of regimen, part of her regimen, part of his regimen,
        part of treatment, part of present treatment, part of current treatment, part of her treatment,
        part of his treatment, part of her present treatment, part of his present treatment,
        part of her current treatment, part of his current treatment, past use of, treated by,
        being on, swallow, giving, we giving, supposed to be taking, supposed to take, supposed to be on,
        meant to be taking,
        meant to take, meant to be on, be taking, been taking, been using, use of, among, that counts as,
        counting as, that counts as a kind of"""),
    "past": (
        *spoken("""tried, ever tried, been tried on, tried on, trial of, had a trial of, exposure to,
            exposed to, been exposed to, have a trial of"""),
        *(
            f"{ever}tried {whom} on"
            for ever in ("", "ever ")
            for whom in ("her", "him", "them", "the patient")
        ),
    ),
    "status_of": spoken("what happened to, what became of, what about the status of"),
}


def _asks_then(reading: Reading) -> bool:
    """ "Antibiotics in 2019"; where the name is of a measurement too ("potassium in 2019"), that is meant."""
    drugs = all(set(one.concepts) == {"drug"} for one in reading.mentions)
    bare = drugs and not reading.cues
    return is_timed(reading) and (bare or (bool(reading.cues) and _asks_whether(reading)))


INTENTS = (
    Intent(
        "on_drug",
        _taken,
        may=cues("is whether taking taken prescribed dose medication active past what on_hold before and")
        | cues("list often status_of about history earlier previous how includes"),
        about="drug",
        several=True,
        also=lambda reading: (
            _asks_whether(reading)
            and (not {"dose", "past"} <= reading.cues or "prescribed" in reading.cues)
            and ("includes" not in reading.cues or "medication" in reading.cues)
        ),
    ),
    Intent(
        "count_drugs",
        _count,
        may=cues("is whether taking medication active"),
        needs=(cues("count"), cues("is taking active")),
        about="drug",
        also=lambda reading: not any(one.form for one in reading.concepts("drug")),
    ),
    Intent(
        "was_on_drug",
        _then,
        may=cues("is whether taking taken medication active past what dose history and"),
        about="drug",
        several=True,
        window=True,
        anchored=True,
        also=_asks_then,
    ),
)
