"""Questions about the patient's age at another time than now: at an event, in a year, on a day."""

from dataclasses import replace

from dateutil.relativedelta import relativedelta

from agent.models.offline.anchors import missing, moment
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.reading import Anchor, Reading
from agent.models.offline.spans import first_day, last_day
from agent.models.offline.wording import Draft, cite, day

_WOULD = ("would she be", "would he be", "would she have been", "would he have been", "must she have been",
          "must he have been", "might she have been", "might he have been", "has she been", "has he been",
          "would the patient have been")  # fmt: skip
_THEN = ("then", "back then", "at that time", "at that point", "at the time", "that day", "on that day")
CUES = {
    "age": (
        "how old was she", "how old was he", "what age", "at what age", "age in years", "age in full years",
        "current age in years", "years of age", "how many years old", "how many years of age",
        "what age has she reached", "what age has he reached", "reached by today", "by today",
        *(f"{at} date of {service}" for at in ("age at", "age at the", "age on", "age on the")
          for service in ("service", "the service", "the visit", "the procedure", "collection")),
        "how many birthdays has she had", "how many birthdays has he had", "would her age be",
        "would his age be", "would the patient s age be", "what age had she reached",
        "what age had he reached",
        "what age did she reach", "what age did he reach", "at what age was it that", "present age",
        "how old would the patient be", "in years", "in full years",
        "in completed years", "full years", "completed years", "what year of life", "which year of life",
        "at how many years", "at how many years of age", "how old exactly", "how old precisely",
        "roughly how old", "exactly how old", "about how old", "approximately how old", "how old about",
        *(f"how old was {who} {then}" for who in ("she", "he", "the patient") for then in _THEN),
        *(f"{asked} {of}" for asked in ("age", "what age", "how old")
          for of in ("of the patient", "of this patient", "of her", "of him")),
        *(f"{asked} {would}" for asked in ("how old", "what age", "how many years old") for would in _WOULD),
    ),
}  # fmt: skip


def _age_then(asked: Asked) -> Draft:
    """The full years from birth to that day; two numbers where the date is not to the day."""
    window = asked.reading.window
    if asked.reading.anchor:
        event = moment(asked)
        if event is None:
            return missing(asked)
        told = f"at {event.said}" if event.name else event.said
        written, refs = day(event.date), (event.ref,) if event.ref else ()
    else:
        written, told, refs = str(window.since if window else ""), str(window.said if window else ""), ()
    patient = asked.chart.patient()
    born = str(patient.get("birth_date", ""))
    if len(born) != 10:
        what = f"born {born}" if born else "no birth date recorded"
        text = f"The age {told} cannot be told: {what} {cite([patient['ref']])}."
        return Draft(text, (patient["ref"], *refs), "needs_review" if born else "not_in_chart")
    if last_day(written) < first_day(born):
        text = f"Not yet born {told}: born {born} {cite([patient['ref']])}."
        return Draft(text, (patient["ref"], *refs))
    at = [relativedelta(on(written), first_day(born)).years for on in (first_day, last_day)]
    years = " or ".join(str(age) for age in dict.fromkeys(max(age, 0) for age in at))
    said = [told, cite([patient["ref"]])]
    # Of an event with a citation of its own, which belongs to its date.
    return Draft(f"{years} years old {' '.join(said[::-1] if refs else said)}.", (patient["ref"], *refs))


def _age_at_diagnosis(asked: Asked) -> Draft:
    """The age at what the question says the other way round: "asthma was diagnosed at what age?"."""
    found = Anchor("at", "diagnosis", asked.reading.mentions[0])
    return _age_then(replace(asked, reading=replace(asked.reading, anchor=found, mentions=())))


def _at_a_time(reading: Reading) -> bool:
    """An event at which something was, or a day, month or year; "how old is she" asks for now."""
    window = reading.window
    dated = window is not None and window.since is not None and window.since == window.until
    at_event = reading.anchor is not None and reading.anchor.side == "at" and reading.anchor.event != "age"
    return at_event or (reading.anchor is None and dated)


INTENTS = (
    Intent(
        "age_then",
        _age_then,
        may=cues("past is what when"),
        needs=(cues("age"),),
        window=True,
        anchored=True,
        also=_at_a_time,
    ),
    Intent(
        "age_at_diagnosis",
        _age_at_diagnosis,
        may=cues("past is what when whether first"),
        needs=(cues("age"), cues("diagnosed onset")),
        about="problem",
        also=lambda reading: bool(reading.cues & {"diagnosed", "past"}),
    ),
)
