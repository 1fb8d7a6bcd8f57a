"""Questions whether the patient has or had a condition, or a condition of a family, now or at some time."""

from dataclasses import replace

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.in_force import Held, all_then, in_force, is_timed, told_then
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import joined, no_record
from agent.models.offline.intents.problem_records import groups_of, had, item
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, refs_of

_STANDINGS = ("yes", "unconfirmed", "resolved", "refuted", "later", "related")
CUES = {
    "problem": spoken("""is on her problem list, is on his problem list, is on the problem list,
        are on her problem list, are on his problem list, are on the problem list, on problem list"""),
    "diagnosed": spoken("""get diagnosed, get diagnosed with, got diagnosed, got diagnosed with,
        gets diagnosed with, getting diagnosed with, been in the picture, in the picture, on the scene,
        been on the scene,
        diagnosed as, diagnosed as having, been told she has, been told he has,
        suffer, suffers from, carry a diagnosis of, carries a diagnosis of, diagnosis of, dx of,
        living with, affected by, carry an active diagnosis of, carries an active diagnosis of,
        active diagnosis of, current diagnosis of, being treated as having, treated as having,
        suffering of"""),
    "whether": spoken("been having, been having trouble with, been having problems with"),
    "past": tuple(
        f"{ever} in {whose}life"
        for ever in ("at any point", "at some point", "at any stage", "ever")
        for whose in ("", "her ", "his ")
    )
    + spoken("""any time in her life,
                       any time in his life, at some stage, at any stage, at one time,
        at one point, at one point or another, at some point or other, at any age, at some time,
        at some time or other, at any time at all, at any moment, at any moment in her life,
        at any moment in his life,
        at any time in life, at any time in her life, at any time in his life, in her whole life,
        in his whole life, ever in life, ever turned up, ever come up, ever appeared, ever shown up,
        over her lifetime, over his lifetime, during her life, during his life, ever been any"""),
    "history": spoken("""past or present, present or past, current or past, past or current,
        now or in the past, now or before, now or previously, now or earlier, before or now, past or now,
        then or now, previously or now, even if over, even if it over, even if it is over, even if resolved,
        even if it resolved, even if it has resolved, even if inactive, even if long ago, even if in the past,
        even if past, resolved or not, active or not, active or resolved, resolved or active,
        currently or in the past, even year ago, even long ago, even a long time ago,
        lifetime history,
        lifetime history of, any history at all of, history at all of, recent or remote, recent or old"""),
    "status_of": spoken("status of, current status of, status, clinical status of, clinical status"),
    "certainty": spoken("""confirmed, confirmed diagnosis of, ruled out, been ruled out, refuted,
        excluded, suspected, certain, certainty of, verified, verification status, verification of,
        how certain, how certain is, how sure"""),
}


def _has(asked: Asked) -> Draft:
    """Whether the chart records it, and as what: active, past, ruled out, unconfirmed, or something near."""
    found = asked.chart.fetch(records("problems"))
    return joined([one_problem(asked, one, told, found) for one, told in asked.named("problem")])


def one_problem(asked: Asked, concept: Concept, told: str, found: Found) -> Draft:
    """How a condition stands: the first standing that any record of it has."""
    groups = groups_of(asked, concept, found.rows)
    for standing in _STANDINGS:
        if standing in groups:
            rows = groups[standing]
            said = "was" if standing == "resolved" and asked.reading.cues & {"past", "history"} else standing
            said = (
                "since" if said == "yes" and asked.reading.cues & cues("status_of certainty reason") else said
            )
            items = asked.wording.listed(rows, item, each=True)
            return Draft(asked.wording.say("problem", said, asked=told, items=items), refs_of(rows[:10]))
    return no_problem(asked, concept, told, found)


def no_problem(asked: Asked, concept: Concept, told: str, found: Found) -> Draft:
    """That no record is of the condition; a family is known by a list of conditions, which none completes."""
    draft = no_record(asked, found, "problem", told)
    if not concept.members or draft.status != "not_in_chart" or not found.rows:
        return draft
    return Draft(draft.text.replace('" (', '" or the kinds of it known by name here ('), (), draft.status)


def _then(asked: Asked) -> Draft:
    """Whether a condition was there at some time of the past."""
    held = in_force(asked, "problems", had)
    return joined([_one_then(asked, concept, told, held) for concept, told in asked.named("problem")])


def _one_then(asked: Asked, concept: Concept, told: str, held: Held) -> Draft:
    sure = _of(asked, concept, held.sure)
    unsure = _of(asked, concept, held.unsure)
    if sure or unsure:
        return told_then(asked, replace(held, sure=sure, unsure=unsure), item)
    if not held.complete:
        return Draft(asked.wording.say("list", "incomplete", asked=told, n=0), (), "needs_review")
    return Draft(f"No problem record of {told} held{held.said}.", (), "not_in_chart")


def _of(asked: Asked, concept: Concept, rows: list[Row]) -> list[Row]:
    groups = groups_of(asked, concept, rows)
    return [row for standing in ("yes", "unconfirmed", "resolved") for row in groups.get(standing, [])]


def _problems_then(asked: Asked) -> Draft:
    """The problems that were there at some time of the past, and those of which the chart does not tell."""
    return all_then(asked, "problems", had, item, noun="problem", what="problems")


def _asks_whether(reading: Reading) -> bool:
    """Anaphylaxis stands among the reactions of allergies too, which these answers do not read."""
    if any(one.name.casefold() == "anaphylaxis" for one in reading.concepts("problem")):
        return False
    if "episodes" in reading.cues and not reading.cues & cues("whether past"):
        return False
    asked = reading.cues & cues(
        "is whether past previous earlier history problem diagnosed active status_of certainty"
    )
    one = len(reading.mentions) == 1 or "and" in reading.cues
    what = "what" not in reading.cues or bool(reading.cues & cues("problem status_of certainty reason"))
    return one and what and bool(asked or reading.plain or reading.follow)


_ASIDE = cues(
    "is whether past history problem diagnosed active status_of certainty reason and episodes"
    " previous earlier"
)

INTENTS = (
    Intent(
        "has_problem",
        _has,
        may=_ASIDE | {"what"},
        about="problem",
        several=True,
        also=_asks_whether,
    ),
    Intent(
        "had_problem",
        _then,
        may=cues("is whether past problem active and"),
        about="problem",
        several=True,
        window=True,
        anchored=True,
        also=lambda reading: is_timed(reading) and bool(reading.cues) and _asks_whether(reading),
    ),
    Intent(
        "problems_then",
        _problems_then,
        may=cues("what whether list is and"),
        needs=(cues("problem"), cues("past active")),
        window=True,
        anchored=True,
        also=is_timed,
    ),
)
