"""Questions what the notes say about something: their passages, word for word, and how each means it."""

from agent.messages import Action
from agent.models.offline.chart import Row
from agent.models.offline.intents.documents import TYPES, quoted, type_text
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.wording import LONGEST_LIST, Draft, cite, noted, refs_of, when

_SHOWN = 6
_ASKED = 10
# How the tools mark a passage that is no present finding of the patient.
_MEANT = {
    "negated": "denied",
    "family": "of the family",
    "hypothetical": "hypothetical",
    "historical": "in the past",
}


def _mentions(asked: Asked) -> Draft:
    topic = asked.reading.topic or ""
    arguments = {"text": topic, "limit": _ASKED, **asked.window}
    if kind := type_text(asked):
        arguments["type"] = kind
    found = asked.chart.fetch(Action(tool="search_notes", arguments=arguments))
    if not found.rows or "lacks" in found.rows[0]:
        text = f"No note mentions “{topic}”{asked.said_window}."
        return Draft(text + noted(found.notes), (), "not_in_chart")
    items: list[str] = []
    for row in found.rows[:_SHOWN]:
        item = _item(row)
        if items and sum(map(len, items)) + len(item) > LONGEST_LIST:
            break
        items.append(item)
    more = "" if len(items) == len(found.rows) and found.complete else " There are further passages."
    text = "\n".join(f"- {item}" for item in items)
    rows = found.rows[: len(items)]
    return Draft(f"{text}\n{more.strip()}{noted(found.notes)}".rstrip(), refs_of(rows))


def _item(row: Row) -> str:
    """`Progress note on 2026-03-04 by Dr. Adams (denied): “...” [ref]`."""
    by = f" by {row['author']}" if "author" in row else ""
    meant = [said if row[key] is True else f"{said} in part" for key, said in _MEANT.items() if key in row]
    if "status" in row:
        meant.append(f"status {row['status']}")
    aside = f" ({'; '.join(meant)})" if meant else ""
    return f"{row.get('type', 'Note')}{when(row)}{by}{aside}: {quoted(row['passage'])} {cite(refs_of([row]))}"


INTENTS = (
    Intent(
        "note_mentions",
        _mentions,
        may=cues("what is whether past latest when list recent note report done opened open where taking")
        | TYPES,
        window=True,
        topic=True,
    ),
)
