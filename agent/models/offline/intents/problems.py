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
    "illness", "health problem", "dx",
)  # fmt: skip


# "... did she have in the past": what was, and no more is.
_HAD = spoken("""has she had, has he had, has the patient had, did she have, did he have,
    did the patient have, she had, he had, she has had, he has had, from""")
_FORMERLY = spoken("in the past, previously, formerly, earlier, before, the past, earlier in life")
_USED_TO = spoken("""did she use to have, did he use to have, did the patient use to have, she used to have,
    he used to have, has she previously had, has he previously had, did she previously have,
    did he previously have, did she formerly have, did he formerly have, in the past""")


def _each(words: str) -> tuple[str, ...]:
    return tuple(f"{word} {noun}" for word in spoken(words) for noun in _NOUNS)


CUES = {
    "problem": (
        *_each("""live, open, up to date, current active, still active, managed, chronic, known, medical,
            health, ongoing medical, documented, recorded"""),
        *(f"{noun} with {onset}" for noun in (*_NOUNS, "problem list")
          for onset in spoken("onset, their onset, onset date, onset dates, dates of onset")),
        *spoken("""comorbidity, comorbid condition, list of problem, list of diagnoses, medical issue,
            followed for, being followed for, followed up for, being followed up for, problem wise,
            diagnosises, diagnosis wise, diagnoses wise, going on diagnosis wise, going on problem wise,
            going on medically, have going on, has going on, an issue, an issue for her, an issue for him,
            currently dealing with, dealing with, dealing with medically, we actively managing,
            are we managing, we managing,
            being managed for, under treatment for, under care for, does she carry, does he carry,
            thing on the problem list, thing on her problem list, thing on his problem list,
            active issue, ongoing issue, current issue, chronic issue, clinical problem, clinical issue"""),
    ),
    "active": spoken("""active one only, only active one, only the active one, active only, only active,
        current one only, only current one, only the current one, just the active one, live on her list,
        live on his list, live on the list, live on her problem list, live on his problem list"""),
    "former_problem": (
        *_each("""past, previous, prior, former, earlier, past medical, past health, historical, historic,
            old, any old, any past, any previous"""),
        *(f"{noun} {had} {once}" for noun in _NOUNS for had in _HAD for once in _FORMERLY),
        *(f"{noun} {had}" for noun in _NOUNS for had in _USED_TO),
        *(f"{past} {noun} only" for past in ("past", "previous", "old", "former") for noun in _NOUNS),
    ),
    "ended_problem": (
        *_each("""resolved, inactive, closed, past resolved, resolved past, no longer active, healed,
            old resolved, resolved old, previous resolved, former resolved, already resolved,
            former already resolved, inactive resolved, inactive or resolved, resolved or inactive"""),
        *(f"{over} part of {whose} problem list"
          for over in ("inactive", "resolved") for whose in ("her", "his", "the")),
        *(f"{over} {noun} only" for over in ("resolved", "inactive") for noun in _NOUNS),
        *_each("""non active, nonactive, not active, not currently active, ended, terminated, cured,
            cleared, concluded, historical resolved, completed"""),
        *(f"{past}{noun} {that}{over}" for past in ("", "past ") for noun in _NOUNS
          for that in ("", "that ", "which ") for over in spoken("""have resolved, has resolved, resolved,
            are resolved, were resolved, been resolved, no longer active, are no longer active,
            is no longer active, are over, is over, went away, have gone away""")),
        *spoken("""used to have and has since got over, used to have and has got over,
            used to have but no longer has, used to have and no longer has,
            had but does not have any more, had but does not have anymore, had but no longer has,
            had but does not have any longer"""),
        *(f"{noun} {whom} used to have {but} does not{have} {now}" for noun in _NOUNS for whom in ("she",
        "he")
          for but in ("but", "and") for have in ("", " have")
          for now in ("anymore", "any more", "any longer", "now")),
        *(f"{noun} {with_}status {over}" for noun in _NOUNS for with_ in ("", "with ", "with a ")
          for over in ("resolved", "inactive", "of resolved", "of inactive")),
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
    # A problem that began long ago and is still active is a past one to some.
    aside = ", without the active ones" if "former_problem" in asked.reading.cues else ""
    return chosen(asked, found, over, item, noun="problem", which=f"no longer active{aside}")


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


def _over_now(reading: Reading) -> bool:
    """ "The problems she had that are now resolved", and not "which are active, which are resolved"."""
    told = reading.cues
    if "what" in told and told <= cues("what resolved whether past is list"):
        return True  # "what has resolved?"
    if "stopped" in told and not told & cues("problem pmh"):
        return False
    named = bool(told & cues("problem pmh")) or "what" in told
    return named and ("active" not in told or bool(told & cues("past pmh")))


_ASIDE = cues("what is whether list and count past active")
_HELD = cues("problem pmh former_problem")

INTENTS = (
    Intent(
        "active_problems",
        _active,
        may=cues("active list what is whether and summary open"),
        needs=(cues("problem diagnosed"),),
        also=lambda reading: (
            ("diagnosed" not in reading.cues or "active" in reading.cues)
            and ("problem" in reading.cues or {"what", "diagnosed"} <= reading.cues)
        ),
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
        needs=(cues("problem pmh diagnosed former_problem"),),
        window=True,
        also=lambda reading: (
            _begun(reading)
            and ("former_problem" not in reading.cues or is_timed(reading))
            and (bool(reading.cues & _HELD) or {"what", "diagnosed"} <= reading.cues)
        ),
    ),
    Intent(
        "ended_problems",
        _ended,
        may=_ASIDE | cues("resolved stopped history problem"),
        needs=(cues("ended_problem former_problem"),),
        also=lambda reading: not {"active", "and"} <= reading.cues,
    ),
    Intent(
        "problems_resolved",
        _ended,
        may=cues("what is whether list past active history previous when"),
        needs=(cues("resolved stopped"), cues("problem pmh past what")),
        also=_over_now,
    ),
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
