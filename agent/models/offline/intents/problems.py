"""Questions about the problems as a list: active, ended, ruled out, unconfirmed, the last ones, how many."""

from agent.models.offline.chart import records
from agent.models.offline.intents.in_force import is_timed
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import chosen, listed
from agent.models.offline.intents.problem_records import ACTIVE, UNCONFIRMED, had, item
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, day, refs_of

_NOUNS = (
    "problem", "condition", "diagnosis", "diagnoses", "medical problem", "medical condition", "disease",
    "illness", "health problem",
)  # fmt: skip


def _each(words: str) -> tuple[str, ...]:
    return tuple(f"{word} {noun}" for word in spoken(words) for noun in _NOUNS)


CUES = {
    "problem": (
        *_each("chronic, known, medical, health, ongoing medical, documented, recorded"),
        *spoken("""comorbidity, comorbid condition, list of problem, list of diagnoses, medical issue,
            followed for, being followed for, followed up for, being followed up for"""),
    ),
    "ended_problem": (
        *_each("resolved, inactive, closed, past resolved, no longer active, healed, old"),
        *(f"{past}{noun} {that}{over}" for past in ("", "past ") for noun in _NOUNS
          for that in ("", "that ", "which ") for over in spoken("""have resolved, has resolved, resolved,
            are resolved, were resolved, been resolved, no longer active, are no longer active,
            is no longer active, are over, is over, went away, have gone away""")),
    ),
    "refuted_problem": (
        *_each("refuted, excluded, ruled out"),
        *(f"{noun} {out}" for noun in _NOUNS
          for out in spoken("were ruled out, was ruled out, ruled out, been ruled out, have been ruled out")),
    ),
    "unconfirmed_problem": _each("""unconfirmed, suspected, provisional, possible, tentative, working,
        differential, presumptive"""),
}  # fmt: skip


def _active(asked: Asked) -> Draft:
    return listed(
        asked, asked.chart.fetch(records("problems", status="current")), "active problem", item, each=True
    )


def _history(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("problems", **asked.window))
    tail = " with onset or recording" if asked.window else ", past and present"
    return listed(asked, found, "problem", item, tail=tail)


def _ended(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("problems"))
    over = [row for row in found.rows if had(row) and (row.get("status") not in ACTIVE or "abated" in row)]
    return chosen(asked, found, over, item, noun="problem", which="no longer active")


def _refuted(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("problems"))
    rows = [row for row in found.rows if not had(row)]
    return chosen(asked, found, rows, item, noun="problem", which="recorded as refuted")


def _unconfirmed(asked: Asked) -> Draft:
    found = asked.chart.fetch(records("problems"))
    rows = [row for row in found.rows if row.get("verification") in UNCONFIRMED]
    return chosen(asked, found, rows, item, noun="problem", which="recorded but not confirmed")


def _last(asked: Asked) -> Draft:
    """The last ones by onset, or else by when they were recorded; the first ones when those are asked for."""
    found = asked.chart.fetch(records("problems", **asked.window_to_now))
    rows = [row for row in found.rows if had(row) and "date" in row]
    first = "first" in asked.reading.cues
    if first and not found.complete:
        text = asked.wording.say("list", "incomplete", asked="a first one", n=len(found.rows))
        return Draft(text, (), "needs_review")
    if not rows or found.finding == "recorded_as_none":
        return chosen(asked, found, [], item, noun="problem", which="with a date")
    rows = rows[::-1] if first else rows
    n = asked.reading.n or sum(day(row["date"]) == day(rows[0]["date"]) for row in rows)
    head = f"{'First' if first else 'Last'} by onset or recording{asked.said_window}"
    items = asked.wording.listed(rows[:n], item)
    return Draft(f"{head}: {items}.", refs_of(rows[:n]))


def _over_time(reading: Reading) -> bool:
    """ "New" and "diagnosed" say nothing without a time."""
    if reading.cues & cues("new started") and not is_timed(reading):
        return False
    return "diagnosed" not in reading.cues or bool(is_timed(reading) or reading.cues & {"past", "history"})


def _begun(reading: Reading) -> bool:
    """What began in a time; "what problems did she have in 2015?" asks for more than that."""
    asked = bool(is_timed(reading) or reading.cues & {"history", "past", "pmh"})
    return asked and not (is_timed(reading) and _in_force(reading)) and _over_time(reading)


def _in_force(reading: Reading) -> bool:
    return bool(reading.cues & cues("past active")) and not reading.cues & cues(
        "new diagnosed started pmh history recent count"
    )


_ASIDE = cues("what is whether list and count past active")

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
        also=lambda reading: _over_time(reading) and not ("active" in reading.cues and is_timed(reading)),
    ),
    Intent(
        "problem_history",
        _history,
        may=cues("history past list what is whether diagnosed new recent started"),
        needs=(cues("problem pmh diagnosed"),),
        window=True,
        also=lambda reading: (
            _begun(reading)
            and (bool(reading.cues & cues("problem pmh")) or {"what", "diagnosed"} <= reading.cues)
        ),
    ),
    Intent("ended_problems", _ended, may=_ASIDE, needs=(cues("ended_problem"),)),
    Intent("refuted_problems", _refuted, may=_ASIDE, needs=(cues("refuted_problem"),)),
    Intent("unconfirmed_problems", _unconfirmed, may=_ASIDE, needs=(cues("unconfirmed_problem"),)),
    Intent(
        "last_problem",
        _last,
        may=cues("what is past when whether diagnosed new list and"),
        needs=(cues("latest first"), cues("problem diagnosed")),
        window=True,
        n=True,
    ),
)
