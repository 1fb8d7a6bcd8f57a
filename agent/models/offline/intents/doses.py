"""Questions about the doses of one drug over time: the one before, all of them, whether it changed."""

from agent.models.offline.chart import Row
from agent.models.offline.intents.drug_records import item, part_read, recorded, was_in_force
from agent.models.offline.intents.intent import Asked, Intent, cues, spoken
from agent.models.offline.intents.taking import one_drug
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, day, name, refs_of

_DOSES = ("dose", "dosage", "dosing")
_CHANGES = spoken("""changed, change, increased, increase, decreased, decrease, reduced, raised, lowered,
    adjusted, titrated, doubled, halved, adjustment, escalated""")

CUES = {
    "dose": spoken("""dosing, dosing of, strength, strength of, how many mg, how many milligrams, how much of,
        how many mg of, how many milligrams of, how many units, how many units of, what mg, mg of, sig for,
        sig of, dose instruction, directions for, instructions for, daily dose, daily dose of, how strong,
        a day, per day"""),
    "dose_change": (
        *(f"{dose}{so} {change}" for dose in _DOSES for so in ("", " been", " last", " ever")
          for change in _CHANGES),
        *(f"{change} {of} {dose}{end}" for dose in _DOSES for change in ("change", "increase", "decrease")
          for of in ("in", "in the", "of", "of the", "to the", "the") for end in ("", " of")),
        *spoken("titration, titration of, titrated, uptitrated, dose titration, change dose, change dose of"),
    ),
    "doses": spoken("""past dose, past dose of, dose history, history of dose, dose over time,
        dose in the past, all dose, all dose of, all the dose, all the dose of, dosage history,
        dosing history, different dose, dose has she been on, dose has he been on, different dose of,
        past dosage"""),
    "dose_before": (
        *(f"{old} {dose}{end}" for old in ("previous", "prior", "old", "earlier", "former") for dose in _DOSES
          for end in ("", " of")),
        *(f"dose {old}" for old in spoken("""before, before that, before this, before now, previously,
            earlier, before this one, before the change, before the increase, before it was changed,
            before it was increased, before the current one, used to be""")),
    ),
    "before": spoken("before, beforehand, earlier, used to be"),
}  # fmt: skip


def _doses(asked: Asked) -> Draft:
    """The orders and statements that were in force, newest first, one of each name and dose."""
    drug = recorded(asked)[0]
    rows = [row for row in drug.rows if was_in_force(row)]
    if not rows:
        return one_drug(asked, drug)
    if not drug.read.complete:
        return part_read(drug)
    now_on = drug.now_on
    rows = sorted(rows, key=lambda row: row["ref"] not in now_on)
    steps = _steps(rows)
    if len(steps) == 1:
        same = f" in {len(rows)} records" if 1 < len(rows) <= 20 else ""
        return Draft(f"No other dose is recorded{same}: {item(steps[0])}.", refs_of(rows))
    if asked.reading.cues & cues("dose_before before"):
        head = "now" if steps[0]["ref"] in now_on else "after that"
        return Draft(f"Before: {item(steps[1])}; {head}: {item(steps[0])}.", refs_of(steps[:2]))
    if "dose_change" in asked.reading.cues and "list" not in asked.reading.cues:
        since = f"Since {day(steps[0]['date'])}" if "date" in steps[0] else "Newest"
        return Draft(f"{since}: {item(steps[0])}; before: {item(steps[1])}.", refs_of(steps[:2]))
    items = asked.wording.listed(steps, item)
    return Draft(f"Newest first: {items}.", refs_of(steps))


def _steps(rows: list[Row]) -> list[Row]:
    """The first record (the oldest) of each run of records with one name and dose."""
    steps: list[Row] = []
    for row in rows:
        if steps and _dose(steps[-1]) == _dose(row):
            steps[-1] = row
        else:
            steps.append(row)
    return steps


def _dose(row: Row) -> tuple[str, object]:
    return name(row).casefold(), row.get("dose")


def _asks(reading: Reading) -> bool:
    """ "What was her dose?" asks for the past; "before" alone says nothing without the dose."""
    if reading.cues & cues("dose_change doses dose_before"):
        return True
    return "dose" in reading.cues and bool(reading.cues & cues("before past history"))


INTENTS = (
    Intent(
        "doses",
        _doses,
        may=cues("is what when whether past list history taking dose dose_change doses dose_before before"),
        about="drug",
        also=_asks,
    ),
)
