"""Questions about the medications as a list: current, on hold, as needed, ended, all of them."""

import re

from agent.models.offline.chart import records
from agent.models.offline.intents.drug_records import (
    GIVEN,
    NOUNS,
    item,
    of_drug,
    searched,
    standing,
    was_in_force,
)
from agent.models.offline.intents.in_force import is_timed
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import chosen, counted, listed
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft

_AS_NEEDED = re.compile(r"\bas[- ](?:needed|required)\b|\bp\.?r\.?n\b|\bwhen (?:needed|required)\b", re.I)
_ENDED = ("stopped", "completed", "cancelled")


def _each(words: str) -> tuple[str, ...]:
    return tuple(f"{word} {noun}" for word in spoken(words) for noun in NOUNS)


CUES = {
    "medication": (
        *_each("home, outpatient, regular, present"),
        *spoken("""medicament, drug list, list of medication, list of med, medication profile,
            drug therapy, medication regimen, drug regimen, tablet, pharmacological treatment,
            drug treatment, pharmacotherapy"""),
    ),
    "taking": spoken("""get, on board, treated with, treatment with, go on, went on, used, took, take any,
        counts as,
        count as, being given, being treated with, medicated with, listed among"""),
    "prescription": _each("prescribed"),
    "includes": spoken("include, contain, consist of"),
    "prn": spoken("""prn, as needed, as required, when needed, when required, on an as needed basis,
        only when needed, only as needed"""),
    "on_hold": spoken(
        "on hold, is on hold, are on hold, held, paused, suspended, withheld, put on hold, being held"
    ),
    "proposed_medication": _each("planned, proposed, draft, pending, future, intended"),
    "ended_medication": (
        *_each("past, previous, former, prior, old, discontinued, stopped, inactive, ended, completed"),
        *spoken("""medication she used to take, medication he used to take,
            medication she no longer take, medication he no longer take"""),
    ),
    "medication_history": (
        *_each("history of, hx of, past and present, past and current, current and past"),
        *(
            f"{noun} {ever}"
            for noun in NOUNS
            for ever in spoken("""history, hx, past and present, ever, ever prescribed, ever taken,
                ever been on, she has ever been on, he has ever been on, she has ever taken,
                he has ever taken, they have ever taken, she ever took, he ever took""")
        ),
    ),
}


def _current(asked: Asked) -> Draft:
    """The current ones; notes of the result name what is on hold, of unknown status, or not to be given."""
    found = asked.chart.fetch(records("medications", status="current"))
    return listed(asked, found, "current medication", item, each=True)


def _count(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications", status="current"))
    return listed(asked, found, "current medication record", item, each=True)


def _history(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications"))
    return listed(asked, found, "medication record", item, each=True, tail=", past and present")


def _ordered(asked: Asked) -> Draft:
    """The orders of that time, or all else that is dated in it where there is none; of a drug its orders."""
    if asked.reading.mentions:
        return _orders_of(asked)
    found = asked.chart.fetch(records("medications", **asked.window))
    orders = [row for row in found.rows if row.get("source") == "order"]
    if orders and len(orders) < len(found.rows):
        return counted(asked, found, orders, "order", item, each=True)
    tail = " dated" if asked.window else ""
    return listed(asked, found, "medication record", item, tail=tail)


def _orders_of(asked: Asked) -> Draft:
    concept, told = asked.named("drug")[0]
    found = asked.chart.fetch(records("medications", **searched(concept), **asked.window))
    rows = [row for row in of_drug(concept, found.rows) if row.get("source") == "order"]
    rows = [row for row in rows if was_in_force(row)]
    if rows:
        return counted(asked, found, rows, "order", item, each=True)
    if not found.complete:
        text = asked.wording.say("list", "incomplete", asked=told, n=len(found.rows))
        return Draft(text, (), "needs_review")
    return Draft(f"No order of {told} is recorded{asked.said_window}.", (), "not_in_chart")


def _as_needed(asked: Asked) -> Draft:
    """The current ones whose dose instructions say so; those without instructions cannot be told."""
    found = asked.chart.fetch(records("medications", status="current"))
    rows = [row for row in found.rows if _AS_NEEDED.search(str(row.get("dose", "")))]
    bare = sum("dose" not in row for row in found.rows)
    aside = " Records without dose instructions do not tell." if bare else ""
    draft = chosen(asked, found, rows, item, noun="current medication", which="to be taken as needed")
    return Draft(draft.text + aside, draft.citations, draft.status)


def _on_hold(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications"))
    rows = [row for row in found.rows if row.get("status") == "on-hold" and row.get("source") not in GIVEN]
    return chosen(asked, found, rows, item, noun="medication", which="with status on-hold")


def _ended(asked: Asked) -> Draft:
    """Stopped, completed and cancelled orders and statements; R4 seldom tells since when."""
    found = asked.chart.fetch(records("medications"))
    rows = [row for row in found.rows if row.get("status") in _ENDED and row.get("source") not in GIVEN]
    return chosen(asked, found, rows, item, noun="medication", which="stopped, completed or cancelled")


def _proposed(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("medications"))
    rows = [row for row in found.rows if standing(row, set()) == "proposed"]
    return chosen(asked, found, rows, item, noun="medication", which="only draft or proposal")


def _names_all(reading: Reading) -> bool:
    """The list as a whole; with starts or dates only where it is plain that the list is meant."""
    if reading.cues & cues("started when") and not reading.cues & cues("active dose list"):
        return False
    if reading.cues & cues("started when") and "medication" not in reading.cues:
        return False
    taken = (
        reading.cues & cues("taking prescribed")
        and reading.cues & cues("what list whether")
        and "active" in reading.cues
    )
    return "medication" in reading.cues or {"what", "taking"} <= reading.cues or bool(taken)


def _asks_orders(reading: Reading) -> bool:
    """ "What was she prescribed?"; of a drug only those of a time: the others tell how it stands."""
    if "prescribed" not in reading.cues:
        return False
    if reading.mentions:
        return is_timed(reading)
    asked = reading.cues & cues("count medication what list") or reading.cues == {"prescribed"}
    return bool(asked) and (is_timed(reading) or bool(reading.cues & cues("count past")))


_ASIDE = cues("what is whether list and active medication taking count")

INTENTS = (
    Intent(
        "current_medications",
        _current,
        may=cues("medication active list what is whether taking dose prescribed and started when includes"),
        also=_names_all,
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
        may=cues("count list what is whether past medication taking that done given when new"),
        needs=(cues("prescribed medication"),),
        about="drug",
        bare=True,
        window=True,
        also=_asks_orders,
    ),
    Intent(
        "medication_history", _history, may=_ASIDE | cues("past history"), needs=(cues("medication_history"),)
    ),
    Intent("proposed_medications", _proposed, may=_ASIDE, needs=(cues("proposed_medication"),)),
    Intent("prn_medications", _as_needed, may=_ASIDE, needs=(cues("prn"),)),
    Intent("held_medications", _on_hold, may=_ASIDE | {"past"}, needs=(cues("on_hold"),)),
    Intent(
        "ended_medications",
        _ended,
        may=_ASIDE | cues("past"),
        needs=(cues("ended_medication stopped_medication stopped"),),
        also=lambda reading: bool(reading.cues & cues("ended_medication stopped_medication medication")),
    ),
)
