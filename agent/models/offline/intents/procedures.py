"""Questions about procedures: the list, the last, the first, the nth, whether, when, why, by whom."""

from agent.models.offline.intents.devices import is_a_device
from agent.models.offline.intents.due import INTERVALS, has_one_interval
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.performed import answer
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft

CUES = {
    "procedure": (
        "procedure history", "past procedure", "prior procedure", "previous procedure", "procedures done",
        "procedures performed", "procedural history", "undergo", "undergone", "underwent", "interventions",
    ),
    "surgery": (
        "surgery", "operation", "surgical history", "past surgical history", "psh", "surgical procedure",
        "operated on", "surgeries", "operative history", "surgery history",
    ),
}  # fmt: skip


_WHEN_DONE = cues("when why by_whom first latest count done procedure")


def _procedures(asked: Asked) -> Draft:
    draft = answer(asked, "procedures", "procedure")
    if "surgery" in asked.reading.cues and draft.citations:
        text = f"{draft.text} The records do not say which procedures are operations."
        return Draft(text, draft.citations, draft.status)
    return draft


def _about_procedures(reading: Reading) -> bool:
    """A word for procedures, or the name of one with a word that asks for records of it."""
    asked = cues(
        "whether past latest first when count often list done history why by_whom refused elapsed due"
        " times_had total happened earlier before"
    )
    named = bool(reading.mentions) and bool(reading.cues & asked or reading.plain or reading.follow)
    one = len(reading.cues & cues("why by_whom count")) < 2
    if reading.cues & {"due", *INTERVALS} and not ("due" in reading.cues and has_one_interval(reading)):
        return False
    if is_a_device(reading) and not reading.cues & _WHEN_DONE:
        return False
    about = bool(reading.cues & cues("procedure surgery")) or named or reading.nth is not None
    return about and one and not looks_ahead(reading)


INTENTS = (
    Intent(
        "procedures",
        _procedures,
        may=cues(
            "what is whether past latest first when count often list recent history done taken taking and"
            " procedure surgery refused why by_whom reason elapsed due times_had"
            " total happened earlier before"
        )
        | INTERVALS.keys(),
        about="procedure",
        bare=True,
        window=True,
        nth=True,
        also=_about_procedures,
    ),
)
