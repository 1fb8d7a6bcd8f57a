"""Questions about the social history: all of it, drinking, and work."""

from agent.models.offline.chart import Row, records
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.wording import Draft, cite, name, noted, refs_of, value, when

CUES = {
    "social": (
        "social history", "social hx", "shx", "sh", "lifestyle", "habits", "social background",
        "social circumstances", "psychosocial history",
    ),
    "alcohol": (
        "drink", "drinks", "drinker", "etoh", "drink alcohol", "drinks alcohol", "drinking status",
        "drinking habits", "alcohol history", "consume alcohol", "use alcohol",
    ),
    "smoking": (
        "tobacco history", "use tobacco", "quit smoking",

    ),
    "work": (
        "do for a living", "does for a living", "work", "profession", "employed",
        "what does she do for a living", "what does he do for a living", "line of work",
        "occupational history", "working as", "do for work",
    ),
}  # fmt: skip

# What the records of a part of the social history are called.
_WORDS = {"alcohol": ("alcohol",), "smoking": ("smok", "tobacco"), "work": ("occupation", "employ")}


def _item(row: Row) -> str:
    aside = "" if row.get("status") in (None, "final") else f" (status {row['status']})"
    return f"{name(row)}: {value(row)}{when(row)}{aside} {cite(refs_of([row]))}"


def _social(asked: Asked) -> Draft:
    """The newest record of each part that was asked for, or of all of them."""
    found = asked.chart.fetch(records("social_history", **asked.window_to_now))
    parts = [part for part in _WORDS if part in asked.reading.cues]
    newest: dict[str, Row] = {}
    for row in found.rows:
        said = name(row).lower()
        if not parts or any(word in said for part in parts for word in _WORDS[part]):
            newest.setdefault(said, row)
    rows = list(newest.values())
    if rows:
        items = "; ".join(map(_item, rows[:10]))
        return Draft(f"{items}.{noted(found.notes, later=False)}", refs_of(rows[:10]))
    what = "Nothing on that is recorded in the social history" if parts else "No social history is recorded"
    text = f"{what} of this chart{asked.said_window_to_now}.{noted(found.notes)}"
    return Draft(text, (), "not_in_chart" if found.complete else "needs_review")


INTENTS = (
    Intent(
        "social_history",
        _social,
        may=cues("what whether is past history latest active when taking social alcohol smoking work and"),
        needs=(cues("social alcohol smoking work"),),
        window=True,
    ),
)
