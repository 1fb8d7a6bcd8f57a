"""Questions about immunizations: the list, the last, the nth of a series, whether, when, by whom, refused."""

from agent.models.offline.intents.due import INTERVALS, has_one_interval
from agent.models.offline.intents.intent import Asked, Intent, cues, looks_ahead
from agent.models.offline.intents.performed import answer
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft

CUES = {
    "immunization": (
        "vaccines given", "vaccinations given", "immunization list", "vaccine list", "vaccination list",
        "immunization status", "vaccination status", "vaccine history", "vaccine record", "shot record",
        "shot history", "vaccine dose", "dose of vaccine", "immunised against", "immunization against",
        "vaccination against", "vaccine against", "inoculation", "inoculated", "inoculated against", "vax",
        "vaxxed", "vaccs", "imms", "vaccine series", "vaccination series", "immunization series",
        "shot series", "jab record", "vaccine card", "shots received", "primary series", "imm record",
        "imms record",
    ),
    "refused": (
        "refused", "refuse", "declined", "decline", "turned down", "not given", "not done",
        "not administered", "not performed", "omitted", "refusal", "refusal of",
    ),
    "why": ("why", "how come", "for which reason", "on what grounds"),
    "by_whom": (
        "who", "who gave", "who administered", "who did", "who performed", "by whom", "by who",
        "which doctor", "which provider", "which clinician", "which physician", "what doctor",
        "what provider", "which nurse", "by which doctor", "by which provider",
    ),
}  # fmt: skip


def _immunizations(asked: Asked) -> Draft:
    return answer(asked, "immunizations", "vaccine")


def _about_vaccines(reading: Reading) -> bool:
    """A word for vaccines, or a name that only a vaccine has; "is he immunized?" asks for a judgement."""
    only = bool(reading.mentions) and all(set(one.concepts) == {"vaccine"} for one in reading.mentions)
    asked = cues("what whether count list when refused by_whom first latest why elapsed due total")
    judged = not reading.mentions and "is" in reading.cues and not reading.cues & asked
    one = len(reading.cues & cues("why by_whom count")) < 2
    if reading.cues & {"due", *INTERVALS} and not ("due" in reading.cues and has_one_interval(reading)):
        return False
    return ("immunization" in reading.cues or only) and not judged and one and not looks_ahead(reading)


INTENTS = (
    Intent(
        "immunizations",
        _immunizations,
        may=cues(
            "what is whether past latest first when count often list recent history done taken taking and"
            " immunization refused dose given why by_whom reason elapsed due times_had"
            " doses total happened earlier before"
        )
        | INTERVALS.keys(),
        about="vaccine",
        bare=True,
        window=True,
        nth=True,
        also=_about_vaccines,
    ),
)
