"""Questions about a panel of measurements (BMP, lipids): the latest of each, and which are abnormal."""

from collections.abc import Sequence
from typing import NamedTuple

from agent.errors import CannotAnswer
from agent.messages import Action
from agent.models.offline.chart import Found, Row, StillWanted
from agent.models.offline.concepts import Concept
from agent.models.offline.intents.abnormal import is_on, side_of
from agent.models.offline.intents.durations import ago
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import joined
from agent.models.offline.intents.measured import ASIDE, called, item, once, period
from agent.models.offline.wording import REFERENCE, Draft, noted

_JUDGED = cues("abnormal high low normal")


class _Members(NamedTuple):
    """What is recorded of a panel's measurements; of which nothing is; and whose name fits several."""

    rows: list[Row]
    lacking: list[str]
    unclear: list[str]
    notes: list[str]


def _answer(asked: Asked) -> Draft:
    found = [(panel, _members(asked, panel)) for panel in asked.reading.concepts("panel")]
    return joined([_told(asked, panel, members) for panel, members in found])


def _members(asked: Asked, panel: Concept) -> _Members:
    """One call a measurement; two that a chart has under one code are told once."""
    found: dict[str, Found] = {}
    wanted: list[Action] = []
    unclear: list[str] = []
    for member in panel.members:
        try:
            found[member.name] = called(asked, member, "latest")
        except StillWanted as still:
            wanted += still.actions
        except CannotAnswer:
            unclear.append(member.name)
    if wanted:
        raise StillWanted(wanted)
    every = [row for one in found.values() for row in one.rows]
    return _Members(
        once([row for at, row in enumerate(every) if row not in every[:at]]),
        [name for name, one in found.items() if not one.rows],
        unclear,
        [note for one in found.values() for note in one.notes],
    )


def _told(asked: Asked, panel: Concept, members: _Members) -> Draft:
    time, event = period(asked).said, period(asked).event
    if not members.rows and not members.unclear:
        each = ", ".join(members.lacking[:-1])
        named = f"{each} or {members.lacking[-1]}" if each else members.lacking[-1]
        text = f"No {named} result is recorded in this chart{time}.{event}"
        return Draft(text, (), "not_in_chart")
    text = _results(asked, members.rows, f"The latest of each{time}")
    dated = [row for row in members.rows if "date" in row]
    if dated and "elapsed" in asked.reading.cues:
        last = max(dated, key=lambda row: str(row["date"]))
        text = f"Last result of {panel.name}: {ago(last['date'], asked.now)}{item(last)}. {text}"
    if members.lacking:
        text += f" Not recorded{time}: {', '.join(members.lacking)}."
    if members.unclear:
        text += f" Several measurements fit these names, so ask for each: {', '.join(members.unclear)}."
    text += noted(dict.fromkeys(members.notes)) + event
    return Draft(text, tuple(dict.fromkeys(REFERENCE.findall(text))))


def _results(asked: Asked, rows: Sequence[Row], latest: str) -> str:
    """The results; where it is asked whether they are normal, those that are not first."""
    if not asked.reading.cues & _JUDGED:
        return f"{latest}: {_listed(rows)}."
    side = side_of(asked)
    side = "abnormal" if side == "normal" else side
    said = []
    for stands, told in (
        (True, f"recorded as {side}"),
        (False, f"not recorded as {side}"),
        (None, "without an interpretation or one normal range"),
    ):
        those = [row for row in rows if is_on(row, side) is stands]
        if those or stands:
            said.append(f"{latest} {told}: {_listed(those) if those else 'none'}.")
    return " ".join(said)


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(map(item, rows))


INTENTS = (
    Intent(
        "latest_of_panel",
        _answer,
        may=ASIDE | _JUDGED | cues("latest when list recent active elapsed"),
        about="panel",
        window=True,
        anchored=True,
        several=True,
        also=lambda reading: (
            "latest" not in reading.cues
            or not reading.cues & _JUDGED
            or bool(reading.cues & cues("is whether result"))
        ),
    ),
)
