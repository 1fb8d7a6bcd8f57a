"""Questions about a panel of measurements (BMP, lipids, vitals): the latest result of each."""

from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.measured import ASIDE, called_each, item, once, period
from agent.models.offline.wording import Draft, noted, refs_of

# As many calls as a step of a language model may have.
_TOGETHER = 4


def _latest(asked: Asked) -> Draft:
    """One call a measurement; two that a chart has under one code are told once."""
    (panel,) = asked.reading.concepts("panel")
    parts = [panel.members[at : at + _TOGETHER] for at in range(0, len(panel.members), _TOGETHER)]
    found = [one for part in parts for one in called_each(asked, part, "latest")]
    told = period(asked)
    every = [row for one in found for row in one.rows]
    rows = once([row for at, row in enumerate(every) if row not in every[:at]])
    refs = refs_of(rows)
    if not rows:
        return Draft(
            f"No result of {panel.name} is recorded in this chart{told.said}.{told.event}", (), "not_in_chart"
        )
    lacking = [one.name for one, result in zip(panel.members, found, strict=True) if not result.rows]
    listed = "; ".join(map(item, rows))
    text = f"The latest of each{told.said}: {listed}."
    text += f" Not recorded{told.said}: {', '.join(lacking)}." if lacking else ""
    notes = dict.fromkeys(note for one in found for note in one.notes)
    return Draft(text + noted(notes) + told.event, refs)


INTENTS = (
    Intent(
        "latest_of_panel",
        _latest,
        may=ASIDE | cues("latest when list recent active"),
        about="panel",
        window=True,
    ),
)
