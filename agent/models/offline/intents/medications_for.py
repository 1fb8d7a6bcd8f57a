"""Questions what is taken for a condition: by the reason that a record gives, never by what drugs are for."""

from agent.models.offline.chart import Row, records
from agent.models.offline.concepts import stems_of_record
from agent.models.offline.intents.drug_records import item
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import listed
from agent.models.offline.wording import Draft, many, refs_of


def _for(asked: Asked) -> Draft:
    """The current ones whose recorded reason names the condition, and those with no reason recorded."""
    found = asked.chart.fetch(records("medications", status="current"))
    if not found.rows:
        return listed(asked, found, "current medication", item)
    concept, told = asked.named("problem")[0]

    def is_for(row: Row) -> bool:
        return concept.in_order(stems_of_record(row.get("reason"))) is not None

    given = [row for row in found.rows if is_for(row)]
    silent = [row for row in found.rows if "reason" not in row]
    said = []
    if given:
        items = asked.wording.listed(given, lambda row: item(row, why=True), each=True)
        said.append(f"With that as recorded reason: {items}.")
    else:
        checked = many(found.total, "current medication record")
        said.append(f"No current medication has {told} as its recorded reason ({checked}).")
    if silent:
        said.append(f"With no reason recorded: {asked.wording.listed(silent, item, each=True)}.")
    refs = refs_of(given[:10] + silent[:10])
    if not found.complete:
        return Draft(" ".join(said), refs, "needs_review")
    return Draft(" ".join(said), refs, "answered" if refs else "not_in_chart")


INTENTS = (
    Intent(
        "medications_for_problem",
        _for,
        may=cues("what is whether list active prescribed medication taking"),
        needs=(cues("medication taking"),),
        about="problem",
    ),
)
