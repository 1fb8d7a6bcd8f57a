"""Questions about hospital stays: how long the last or the longest lasted, and how many days in all."""

from agent.models.offline.chart import Row
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.queries import query, within
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, many, noted, refs_of

CUES = {
    "stay_length": (
        "length of stay", "length of the stay", "los", "how long was the stay", "how long a stay",
        "duration of stay", "duration of the stay", "how many nights", "days in hospital",
        "days in the hospital", "nights in hospital", "nights in the hospital", "how many days in hospital",
        "how many days in the hospital", "how many nights in hospital", "how many days was she in hospital",
        "how many days was he in hospital", "how many days was she in the hospital",
        "how many days was he in the hospital", "total days in hospital", "how long in hospital",
        "how long in the hospital", "hospital days", "inpatient days", "number of nights",
        "bed days", "days admitted", "stay duration",
        "stay length", "length of hospital stay", "length of the hospital stay", "length of hospitalization",
        "duration of hospitalization", "length of admission",
        *(
            f"length of {whose}{last} {stay}"
            for whose in ("", "the ", "her ", "his ")
            for last in ("last", "latest", "most recent")
            for stay in ("admission", "stay", "hospital stay", "hospitalization", "inpatient stay")
        ),
        "length of the admission", "hospital los", "inpatient los",
        *(
            f"how long {verb} {who} {inside}"
            for verb in ("was", "were", "is", "has")
            for who in ("she", "he", "they", "the patient")
            for inside in ("in", "in for", "been in", "been in for", "inside", "kept in")
        ),
        *(f"{lead} {to} discharge" for lead in ("admission", "arrival") for to in ("to", "until", "till")),
        *(f"from {one} to discharge" for one in ("admission", "arrival", "the admission", "being admitted")),
        "between admission and discharge", "admission through discharge",
    ),
    "in_hospital": (
        "in hospital", "in the hospital", "hospital", "stay", "an inpatient", "stay in hospital", "in house",
        "kept", "keep", "kept in", "keep in", "stayed", "stayed in", "on the ward", "inhouse", "hospital bed",
    ),
    "how_long": ("how long", "for how long", "how long did", "how long for"),
    "longest": ("longest", "longest ever"),
    "shortest": ("shortest",),
    "total": ("total number", "total", "in all", "all together", "overall total"),
}  # fmt: skip

_ORDERS = {
    "latest": "instant DESC NULLS LAST, ref",
    "longest": "end_instant - instant DESC NULLS LAST, ref",
    "shortest": "end_instant - instant ASC NULLS LAST, ref",
}


def _stay(asked: Asked) -> Draft:
    which = next((one for one in ("longest", "shortest") if one in asked.reading.cues), "latest")
    found = asked.chart.fetch(query("stay", 1, which=which, order=_ORDERS[which], within=within(asked)))
    if not found.rows:
        return _none(asked, found.notes)
    row = found.rows[0]
    said = {"latest": "last", "longest": "longest", "shortest": "shortest"}[which]
    days = row.get(f"{which}_stay_days")
    lead = "No end of the stay is recorded" if days is None else many(days, "day")
    why = f", reason: {row['reason']}" if "reason" in row else ""
    text = f"{lead}: the {said} inpatient stay{asked.said_window}, {_span(row)}{why} {cite(refs_of([row]))}."
    return Draft(text, refs_of([row]))


def _total(asked: Asked) -> Draft:
    """The days of all stays that began in the window, and how many have no end."""
    found = asked.chart.fetch(query("stays", 1, within=within(asked)))
    row = found.rows[0] if found.rows else {}
    if not row.get("n"):
        return _none(asked, found.notes)
    refs = refs_of([row])
    stays = many(row["n"], "inpatient stay")
    text = f"{many(row.get('days', 0), 'day')} in {stays} that began{asked.said_window_to_now} {cite(refs)}."
    if row["open"]:
        text += f" Of these, {row['open']} without a recorded end not counted."
    return Draft(text, refs)


def _span(row: Row) -> str:
    begun = str(row.get("date", "no date"))[:10]
    return f"{begun} to {row['end']}" if "end" in row else f"begun {begun} ({row.get('status', 'unknown')})"


def _none(asked: Asked, notes: tuple[str, ...]) -> Draft:
    text = f"No inpatient stays are recorded in this chart{asked.said_window_to_now}."
    return Draft(text + noted(note for note in notes if not note.startswith("No rows")), (), "not_in_chart")


def _about_stays(reading: Reading) -> bool:
    """A length, of what is inpatient: "how long was she in hospital", "length of stay"."""
    inpatient = all(
        one.concepts.get("visit") and one.concepts["visit"].name == "IMP" for one in reading.mentions
    )
    place = bool(reading.mentions) or bool(reading.cues & {"in_hospital", "stay_length"})
    length = reading.cues & {"how_long", "stay_length", "longest", "shortest"}
    return inpatient and place and bool(length)


def _of_all(reading: Reading) -> bool:
    many_days = bool(reading.cues & {"stay_length"}) and reading.window is not None
    return "latest" not in reading.cues and (bool(reading.cues & {"total", "count"}) or many_days)


_MAY = cues("what is past stay_length in_hospital how_long latest visit when longest shortest total whether")
_MAY |= cues("taking count")
INTENTS = (
    Intent(
        "length_of_stay",
        lambda asked: (_total if _of_all(asked.reading) else _stay)(asked),
        may=_MAY,
        about="visit",
        bare=True,
        window=True,
        anchored=True,
        also=_about_stays,
    ),
)
