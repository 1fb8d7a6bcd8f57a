"""Questions about orders: the list, the open ones, whether what was ordered was done, and its results."""

from collections.abc import Iterable
from dataclasses import replace

from agent.messages import Action
from agent.models.offline.chart import Found, Row, records
from agent.models.offline.concepts import Concept, Kind, stems_of_record
from agent.models.offline.intents.intent import Asked, Intent, cues
from agent.models.offline.intents.listing import counted
from agent.models.offline.intents.performed import by_name
from agent.models.offline.reading import Reading
from agent.models.offline.wording import Draft, cite, is_later, name, noted, reason, refs_of, value, when

CUES = {
    "order": (
        "order", "ordered test", "lab order", "test order", "imaging order", "order list",
        "service request", "referral", "referred", "referral to", "order history", "orders placed",
        "tests ordered", "labs ordered", "imaging ordered", "that was ordered", "ordered labs",
        "requisition", "on order", "work order", "ordered study", "ordered imaging", "request form",
        "requests placed", "lab request", "imaging request", "workup ordered", "order give", "order gave",
        "order yield", "order yielded", "order bring", "order return", "service", "tests or services",
        "test or service", "studies or tests", "order wise",
    ),
    "open": (
        "pending", "open", "outstanding", "not yet done", "unfinished", "incomplete", "unresulted",
        "not resulted", "yet to be done", "uncompleted", "awaiting",
        *(
            f"{lead} {done}"
            for lead in ("not been", "not yet been", "yet to be", "still to be", "still waiting to be")
            for done in ("done", "completed", "performed", "resulted", "carried out", "fulfilled", "closed")
        ),
        *(f"{lead}not done {yet}" for lead in ("", "and ", "but ", "but is ") for yet in ("yet", "so far")),
        "not completed", "not finished", "not come back", "not back", "not back yet", "not yet completed",
        "not yet resulted", "not yet back", "unfulfilled", "in the queue", "in queue",
        "waiting on", "waiting for", "left to do", "still out", "in the pipeline", "not fulfilled",
        "unfilled", "not closed", "not been closed out",
    ),
    "cancelled": ("cancelled", "canceled", "revoked"),
    "came_back": (
        "resulted", "results back", "result back", "came of", "come of", "come out of",
        "came out of", "outcome of", "returned", "produce", "produced",
    ),
}  # fmt: skip

# The searches that find what refers to an order, by the type of record.
_ANSWERS = (("DiagnosticReport", "based-on"), ("ImagingStudy", "basedon"), ("Observation", "based-on"))
_SHOWN = 5
_LOOKED_UP = 10


def _item(row: Row) -> str:
    """What was ordered, when, its standing and why."""
    said = [f"status {row.get('status', 'unknown')}"]
    if row.get("do_not_perform"):
        said.append("not to be performed")
    if "reason" in row:
        said.append(reason(row))
    return f"{name(row)}{when(row)} ({'; '.join(said)}) {cite(refs_of([row]))}"


def _orders(asked: Asked) -> Draft:
    """The orders asked for: all, the cancelled, the open; or who ordered the last one, when and why."""
    asks = asked.reading.cues
    if asks & {"open", "active"}:
        return _open(asked)
    found, mine = _found(asked)
    if "cancelled" in asks:
        mine = [row for row in mine if row.get("status") == "revoked"]
    noun = f"{'revoked ' if 'cancelled' in asks else ''}order"
    if not mine:
        return _none(asked, noun, found)
    if not asks & {"latest", "when", "by_whom", "why", "reason"}:
        return counted(asked, found, mine, noun, _item, each=True)
    row = mine[0]
    told = _item(row)
    if "by_whom" in asks:
        by = f"ordered by {row['author']}" if "author" in row else "who ordered it is not recorded"
        told = f"{name(row)}{when(row)}: {by} {cite(refs_of([row]))}"
    text = f"{_last(asked, row)}{asked.said_window}: {told}."
    return Draft(text + noted(found.notes, later=False), refs_of([row]))


def _last(asked: Asked, row: Row) -> str:
    """`Last Na order`: by the record's name, of which the question's other words are none."""
    return f"Last {name(row)} order" if asked.reading.mentions else "Last order"


def _open(asked: Asked) -> Draft:
    """The orders in force by their status, and which of those shown a result refers to all the same."""
    found, mine = _found(asked, status="current")
    if not mine:
        return _none(asked, "open order", found)
    shown = list({name(row).casefold(): row for row in reversed(mine)}.values())[::-1][:_LOOKED_UP]
    results: dict[str, list[Row]] = {}
    for answer in asked.chart.fetch_all(_answering(shown, elements=["basedOn", "code", "description"])):
        for row in answer.rows:
            for order in str(row.get("basedOn", "")).split(", "):
                results.setdefault(order, []).append(row)

    def item(row: Row) -> str:
        held = results.get(row["ref"])
        if not held:
            return _item(row)
        called = held[0].get("code", held[0].get("description", "a record"))
        return f"{_item(row)}, and yet the chart holds for it: {called} {cite(refs_of(held[:1]))}"

    return counted(asked, found, mine, "open order", item, each=True)


def _done(asked: Asked) -> Draft:
    """Whether what was ordered was done: the last such order, and what refers to it."""
    found, mine = _found(asked)
    mine = [row for row in mine if not row.get("do_not_perform")]
    if not mine:
        return _none(asked, "order", found)
    answers = asked.chart.fetch_all(_answering(mine[:1]))
    rows = [row for answer in answers for row in answer.rows]
    text = f"{_last(asked, mine[0])}: {_item(mine[0])}."
    if not rows:
        return Draft(f"{text} No report, study or result refers to it.", refs_of(mine[:1]))
    shown = "; ".join(_answer(row) for row in rows[:_SHOWN])
    more = "; and others" if len(rows) > _SHOWN else ""
    return Draft(f"{text} Recorded for it: {shown}{more}.", refs_of([mine[0], *rows[:_SHOWN]]))


def _answer(row: Row) -> str:
    result = f" {value(row)}" if "value" in row else ""
    return f"{name(row)}{result}{when(row)} (status {row.get('status', 'unknown')}) {cite(refs_of([row]))}"


def _answering(orders: list[Row], **more: list[str]) -> list[Action]:
    refs = ",".join(str(row["ref"]) for row in orders)
    return [
        Action(
            tool="fhir_search",
            arguments={
                "resource_type": kind,
                "parameters": [{"name": parameter, "value": refs}],
                "limit": 50,
                **more,
            },
        )
        for kind, parameter in _ANSWERS
    ]


def _found(asked: Asked, status: str = "all") -> tuple[Found, list[Row]]:
    """All that was read, and the orders of what the question names, by now."""
    found = asked.chart.fetch(records("orders", status=status, **asked.window_to_now))
    rows = [row for row in found.rows if not is_later(row, asked.now)]
    for mention in asked.reading.mentions:
        concepts = list(mention.concepts.values())
        # An order of a part of a panel is none of the panel where the panel itself was ordered.
        named = _of(rows, [replace(one, members=()) for one in concepts]) or _of(rows, concepts)
        # By the usual name: a search for all words of "serum protein" finds C reactive protein.
        names = dict.fromkeys(one.name for one in concepts)
        rows = named or _by_code(asked, names, rows, status)
    return found, rows


def _by_code(asked: Asked, said: Iterable[str], rows: list[Row], status: str) -> list[Row]:
    """Those that only their codes name so (`TP`), as the chart tools find them."""
    for text in said:
        found = asked.chart.fetch(records("orders", status=status, text=text, **asked.window_to_now))
        if refs := {row["ref"] for row in by_name(found).rows}:
            break
    return [row for row in rows if row["ref"] in refs]


def _of(rows: list[Row], concepts: list[Concept]) -> list[Row]:
    named = [(row, stems_of_record(row.get("name"))) for row in rows]
    return [row for row, stems in named if any(one.in_any_order(stems) for one in concepts)]


def _none(asked: Asked, noun: str, found: Found) -> Draft:
    named = [mention.said for mention in asked.reading.mentions]
    told = f"{noun} of {named[0]}" if named else noun
    checked = f" ({found.total} checked)" if found.total else ""
    text = f"No {told} is recorded in this chart{asked.said_window_to_now}{checked}."
    return Draft(text, (), "not_in_chart" if found.complete else "needs_review")


def _is_about_orders(reading: Reading) -> bool:
    """A word for orders, or "ordered" of something that is no drug."""
    ordered = "prescribed" in reading.cues and bool(reading.mentions or "open" in reading.cues)
    result = not reading.cues.isdisjoint({"result", "came_back"})  # of the potassium that is no drug
    drug = any(
        "drug" in one.concepts and not ("measurement" in one.concepts and result) for one in reading.mentions
    )
    labs = bool(reading.cues & {"result", "what", "whether"}) and not reading.mentions
    labs = labs and ("open" in reading.cues or {"prescribed", "result"} <= reading.cues)
    return ("order" in reading.cues or ordered or labs) and not drug


def _asks_done(reading: Reading) -> bool:
    asked = reading.cues & {"done", "came_back", "result", "opened"} or any(
        reading.cues >= cues(f"{how} prescribed") for how in ("what", "how")
    )
    return bool(asked) and bool(reading.mentions) and "open" not in reading.cues


def _asks_of_orders(reading: Reading) -> bool:
    """The orders themselves; "what result did the last order give" needs to know of what."""
    nameless = {"latest", "result"} <= reading.cues and not reading.mentions
    return _is_about_orders(reading) and not _asks_done(reading) and not nameless


_KINDS: tuple[Kind, ...] = ("measurement", "panel", "procedure", "imaging")
_ASIDE = cues("what is whether past and order prescribed active")
INTENTS = (
    Intent(
        "orders",
        _orders,
        may=_ASIDE
        | cues("list count latest when recent history open cancelled by_whom why reason new done result")
        | cues("taking"),
        about=_KINDS,
        bare=True,
        window=True,
        also=_asks_of_orders,
    ),
    Intent(
        "order_done",
        _done,
        may=_ASIDE | cues("done came_back result latest when taking opened how"),
        about=_KINDS,
        window=True,
        also=lambda reading: _is_about_orders(reading) and _asks_done(reading),
    ),
)
