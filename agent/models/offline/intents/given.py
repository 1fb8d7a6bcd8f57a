"""Questions about what was given or dispensed: whether, when last, how often."""

from agent.models.offline.chart import Found, Row, records
from agent.models.offline.intents.drug_records import item as _item
from agent.models.offline.intents.drug_records import of_drug, was_in_force
from agent.models.offline.intents.in_force import is_timed
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.listing import counted
from agent.models.offline.intents.taking import no_such
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, many, noted, refs_of, when

_NOT_GIVEN = ("not-done", "cancelled", "declined", "unknown", "preparation")
CUES = {
    "given": spoken("""gave, administration, administration of, administer, infused, injected, dose given,
        dose of given, given to, mar, medication administration record, dose administered"""),
    "dispensed": spoken("""dispensed, dispense, filled, dispensing of, dispensing, fill, picked up,
        handed out, fill of, fill for, dispense of, pharmacy fill"""),
}


def _given(asked: Asked) -> Draft:
    """Administrations (or dispenses); what was refused or not done is told apart."""
    source = "dispense" if "dispensed" in asked.reading.cues else "administration"
    noun = f"{source} record"
    found = asked.chart.fetch(records("medications", **asked.window_to_now))
    named = asked.named("drug")
    rows = of_drug(named[0][0], found.rows) if named else found.rows
    of_source = [row for row in rows if row.get("source") == source]
    done = [row for row in of_source if row.get("status") not in _NOT_GIVEN]
    if not done:
        return _none(asked, found, rows, of_source, source)
    if asked.reading.cues & cues("latest when") and not asked.reading.cues & cues("count often list"):
        text = f"Last {'dispensed' if source == 'dispense' else 'given'}{when(done[0])}: {_item(done[0])}."
        return Draft(text + noted(found.notes, later=False), refs_of(done[:1]))
    return counted(asked, found, done, noun, _item, each=True)


def _none(asked: Asked, found: Found, rows: list[Row], not_done: list[Row], source: str) -> Draft:
    if not found.complete:
        return (
            no_such(asked, *asked.named("drug")[0], found) if asked.named("drug") else _unread(asked, found)
        )
    if not_done:
        items = asked.wording.listed(not_done, _item)
        return Draft(f"None is recorded as done; recorded otherwise: {items}.", refs_of(not_done))
    head = f"No {source} is recorded{asked.said_window} ({many(found.total, 'medication record')} checked)"
    if rows:
        others = rows[:5]
        items = asked.wording.listed(others, _item, each=True)
        if source == "administration" and any(map(was_in_force, others)):  # "given" may mean prescribed
            text = f"On record{asked.said_window}: {items}. None of them is an administration."
            return Draft(text, refs_of(others))
        return Draft(f"{head}. Recorded otherwise: {items}.", refs_of(others))
    return Draft(f"{head}.", (), "not_in_chart")


def _unread(asked: Asked, found: Found) -> Draft:
    text = asked.wording.say("list", "incomplete", asked="what was given", n=len(found.rows))
    return Draft(text, (), "needs_review")


def _of_drugs(reading: Reading) -> bool:
    """ "Was the potassium done?" asks for a result; "is heparin given?" for an order's present."""
    drugs = all("measurement" not in one.concepts for one in reading.mentions)
    listed = reading.mentions or reading.cues & cues("medication") or reading.cues >= cues("what given")
    when = is_timed(reading) or reading.cues & cues(
        "past whether latest when count often list medication what"
    )
    return drugs and bool(listed) and bool(when)


INTENTS = (
    Intent(
        "given",
        _given,
        may=cues("what is whether past latest when count often list medication dose doses active taking"),
        needs=(cues("given dispensed done"),),
        about="drug",
        bare=True,
        window=True,
        also=_of_drugs,
    ),
)
