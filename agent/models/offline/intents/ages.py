"""Questions about the patient's age at another time than now: at an event, in a year, on a day."""

from agent.messages import Action
from agent.models.offline.anchors import missing, moment
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.queries import query
from agent.models.offline.reading import Reading
from agent.models.offline.spans import first_day, last_day
from agent.models.offline.wording import Draft, cite, day

CUES = {"age": ("how old was she", "how old was he", "what age", "at what age")}


def _age_then(asked: Asked) -> Draft:
    """The full years from birth to that day; two numbers where the date is not to the day."""
    window = asked.reading.window
    if asked.reading.anchor:
        event = moment(asked)
        if event is None:
            return missing(asked)
        written, told, refs = day(event.date), f"at {event.said}", (event.ref,) if event.ref else ()
    else:
        written, told, refs = str(window.since if window else ""), str(window.said if window else ""), ()
    chart = asked.chart.fetch(Action(tool="chart_overview", arguments={}))
    patient = next(row for row in chart.rows if row.get("section") == "patient")
    born = str(patient.get("birth_date", ""))
    if len(born) != 10:
        what = f"born {born}" if born else "no birth date recorded"
        text = f"The age {told} cannot be told: {what} {cite([patient['ref']])}."
        return Draft(text, (patient["ref"], *refs), "needs_review" if born else "not_in_chart")
    bounds = {"said": written, "first": str(first_day(written)), "last": str(last_day(written))}
    row = asked.chart.fetch(query("age", 1, **bounds)).rows[0]
    if row["age"] < 0:
        text = f"Not yet born {told}: born {born} {cite([patient['ref']])}."
        return Draft(text, (patient["ref"], *refs))
    years = str(row["age"]) if row["age"] == row["age_at_end"] else f"{row['age']} or {row['age_at_end']}"
    if refs:
        return Draft(f"{years} years old {cite([row['ref']])} {told}.", (row["ref"], *refs))
    return Draft(f"{years} years old {told} {cite([row['ref']])}.", (row["ref"],))


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
)
